"""The embeddings cube: texts go in, a vector of each comes out."""

from hypercube.cubes.feature.embeddings.cube import EmbeddingsCube

__all__ = ["EmbeddingsCube"]
