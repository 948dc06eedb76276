"""The tokenizer cube: text goes in and tokens come out, or the other way round."""

from hypercube.cubes.feature.tokenizer.cube import TokenizerCube

__all__ = ["TokenizerCube"]
