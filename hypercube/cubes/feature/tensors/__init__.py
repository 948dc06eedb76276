"""The tensors cube: arrays go in, kernels and encoders run, arrays come out."""

from hypercube.cubes.feature.tensors.cube import TensorsCube

__all__ = ["TensorsCube"]
