"""The saju cube: births go in, charts come out."""

from hypercube.cubes.feature.saju.cube import SajuCube

__all__ = ["SajuCube"]
