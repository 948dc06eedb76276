"""The compatibility cube: two people, or one and a list, go in; scores with their parts and sentences come out."""

from hypercube.cubes.feature.compatibility.cube import CompatibilityCube

__all__ = ["CompatibilityCube"]
