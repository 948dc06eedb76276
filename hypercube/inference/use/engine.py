"""The engine of the multilingual Universal Sentence Encoder; the work is done by `program` in a child process."""

from typing import Final

from hypercube.inference.transformers.encoder_engine import EncoderEngine
from hypercube.inference.transformers.engine import check_packages

ENGINE: Final = "torch"
"""A network that is written here, not taken from a library of models."""
PACKAGES: Final = ("torch", "numpy", "sentencepiece")


class UseEngine(EncoderEngine):
    """Embeddings of the multilingual Universal Sentence Encoder; scores are their cosines."""

    program = "hypercube.inference.use.program:UseProgram"
    engine = ENGINE

    @staticmethod
    def _check_packages() -> None:
        check_packages(ENGINE, PACKAGES, "embeddings")
