"""LoRA adapters as their users see them, and how a request names one: `model:adapter`."""

from dataclasses import dataclass
from typing import Final, NamedTuple

SEPARATOR: Final = ":"


@dataclass(frozen=True, slots=True)
class ServedAdapter:
    """A LoRA adapter of a served model.

    Attributes:
        name: as requests write it behind the model's name and a colon.
        reference: which version it is, `name@version`.
        digest: SHA-256 over the content of the model and of the adapter together; it belongs into every cache key.
        licence: SPDX identifier.
        created: POSIX seconds of publication.
        loaded: whether the running engine has it; otherwise the next request for it loads it.
        kept: loaded by command, or with its model, and again whenever the engine starts anew.
    """

    name: str
    reference: str
    digest: str
    licence: str = ""
    created: int = 0
    loaded: bool = False
    kept: bool = False


class Addressed(NamedTuple):
    """A model, and the adapter that is meant with it; empty = the model alone."""

    model: str
    adapter: str


def addressed(name: str) -> Addressed:
    """`model:adapter` in its two parts; both may carry `@version` or `@alias`."""
    model, _, adapter = name.partition(SEPARATOR)
    return Addressed(model, adapter)
