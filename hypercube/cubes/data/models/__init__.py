"""The models cube: what can be asked here, and whether it is ready."""

from hypercube.cubes.data.models.cube import ModelsCube

__all__ = ["ModelsCube"]
