"""Array kernels: arrays in, arrays out, one folder an operation, a NumPy reference beside every fast path."""
