"""Lets administrators change what is served."""

from hypercube.cubes.data.model_admin.cube import ModelAdminCube

__all__ = ["ModelAdminCube"]
