"""Models in the safetensors format, run by PyTorch and the transformers library in a process of their own."""
