"""The composition root: parts become a running server here and nowhere else."""

from hypercube.app.application import Application

__all__ = ["Application"]
