"""The reading cube: a birth goes in, a reading comes out."""

from hypercube.cubes.feature.reading.cube import ReadingCube
from hypercube.cubes.feature.reading.model_writer import ModelWriting

__all__ = ["ModelWriting", "ReadingCube"]
