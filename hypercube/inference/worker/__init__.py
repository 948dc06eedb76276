"""Engines in a process of their own: the frames, the child that hosts a program, the parent's side of it."""
