"""The chat cube: a conversation goes in, the pieces of its continuation come out."""

from hypercube.cubes.feature.chat.cube import ChatCube

__all__ = ["ChatCube"]
