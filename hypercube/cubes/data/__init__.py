"""Cubes of the category `data`."""
