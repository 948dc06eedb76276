"""Causal models on vLLM's asynchronous engine, in a child process."""

from hypercube.inference.vllm.engine import ENGINE, VllmEngine

__all__ = ["ENGINE", "VllmEngine"]
