"""Cubes of the category `feature`."""
