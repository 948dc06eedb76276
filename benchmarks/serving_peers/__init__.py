"""The dynamic batcher behind HTTP beside other batching servers, each with its own recommended settings."""
