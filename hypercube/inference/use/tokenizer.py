"""Texts to token ids: SentencePiece, and what the package that brings the weights does differently."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

UNKNOWN: Final = 0
BEGIN: Final = 1
END: Final = 2


class Tokenizer:
    """The model's own SentencePiece vocabulary, read by the library that made it.

    The vectors are to equal those of the package, whose own reader departs from the library in two ways that are
    kept here: every unknown character is a token (the library makes one of a run of them), and a text of which
    nothing is left is one unknown token. One way is not kept: there a caller who writes "<s>" or "</s>" gets the
    mark itself into the text; here those are letters, as in the library.
    """

    def __init__(self, path: Path) -> None:
        """Read the vocabulary at `path`.

        Raises:
            ValueError: it is no vocabulary, or another one.
            ImportError: without `sentencepiece`.
        """
        from sentencepiece import SentencePieceProcessor

        try:
            processor: Any = SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise ValueError(f"{path.name} is no SentencePiece vocabulary") from error
        if (processor.unk_id(), processor.bos_id(), processor.eos_id()) != (UNKNOWN, BEGIN, END):
            raise ValueError(f"{path.name} numbers its marks in another way than this model's")
        self.size: int = processor.vocab_size()
        self._encode: Callable[..., Any] = processor.encode

    def __call__(self, text: str) -> list[int]:
        """The ids of `text` between the marks of begin and end; at least three."""
        ids: list[int] = self._encode(text)
        if not ids:
            return [BEGIN, UNKNOWN, END]
        if UNKNOWN in ids:
            pieces = self._encode(text, out_type=str)
            ids = [
                each
                for number, piece in zip(ids, pieces, strict=True)
                for each in [number] * (len(piece) if number == UNKNOWN else 1)
            ]
        return [BEGIN, *ids, END]
