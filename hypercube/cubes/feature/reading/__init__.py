"""The reading cube: a birth goes in, a reading comes out."""

from hypercube.cubes.feature.reading.cube import ReadingCube

__all__ = ["ReadingCube"]
