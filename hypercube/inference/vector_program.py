"""What the programs of all encoders share: texts to vectors, pairs to scores, faults; runs in the child.

The batches come from the parent's dynamic batcher, which also finds out which text breaks one: whatever is wrong
with a single text is raised for the whole batch, and before the forward pass if it can be known by then.
"""

import asyncio
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypercube.core.engine import GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.context import text_too_long
from hypercube.inference.engine import Embedded, Scored, engine_failed, incapable
from hypercube.inference.transformers.memory import out_of_memory
from hypercube.inference.worker.program import Say

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
Result = TypeVar("Result")

WHO: Final = "This encoder"
_UNSOUND_LIMIT: Final = 3
"""Texts in a row, each alone in its batch, that failed without one sound batch between them: the model is broken."""
_CHARACTERS_A_TOKEN: Final = 128
"""A text of more characters than this a token of the window is refused unread: reading it would keep others waiting."""


class VectorProgram(ABC):
    """Serves one encoder from its folder; subclasses know how it is opened and run."""

    library: str
    """Who runs the model, as sentences say it."""

    def __init__(self) -> None:
        self._steps = 0
        self._unsound = 0
        self._failure: HyperCubeError | None = None
        self._failed = asyncio.Event()
        # One thread: the device computes one batch at a time, and a tokenizer refuses two callers at once.
        self._computing = ThreadPoolExecutor(1, thread_name_prefix="encode")

    @property
    def steps(self) -> int:
        """Layers computed so far, over all batches."""
        return self._steps

    async def load(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        """Open the folder settings["path"] in settings["precision"] on settings["device"]."""
        try:
            return await self._in_thread(self._open, settings, say)
        except HyperCubeError:
            raise
        except (ValueError, OSError, ImportError, KeyError) as error:
            # What the files or the installed version lack stays so: a restart would only fail again.
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{self.library} cannot run this model: {_said(error)}.",
                fix="Fetch its files again, or serve another model.",
            ) from error
        except Exception as error:
            raise out_of_memory(error) or engine_failed(
                f"it could not load the model: {_said(error)}"
            ) from error

    @abstractmethod
    def _open(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        """Open the model; the facts that `load` returns."""

    @abstractmethod
    def _vectors(self, texts: Sequence[str], params: Sequence[str]) -> "tuple[Tensor, list[int]]":
        """The vectors of `texts`, float32 [texts, width] on the CPU, all finite, and the tokens of each.

        `params` names each text for the caller whose text is too long.
        """

    def _count(self, *_: object) -> None:
        self._steps += 1

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._computing, work, *arguments)

    # -- work

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """The vectors of `texts`, float32, and the tokens of each."""
        return await self._batch(self._embed, texts)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """The cosine of the two texts' vectors."""
        return await self._batch(self._cosines, pairs)

    async def _batch(self, work: Callable[[Sequence[T]], list[Result]], items: Sequence[T]) -> list[Result]:
        """Run a batch; one that fails for a reason other than its texts' fails alone, unless that does not end."""
        try:
            found = await self._in_thread(work, items)
        except HyperCubeError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - one odd text must not end everybody's engine
            failure = out_of_memory(error) or engine_failed(f"its forward pass raised {_said(error)}")
        else:
            self._unsound = 0
            return found
        if failure.kind is ErrorKind.ENGINE_FAILED and len(items) == 1:
            self._unsound += 1
            if self._unsound >= _UNSOUND_LIMIT and self._failure is None:
                self._failure = failure
                self._failed.set()
        raise failure

    def _embed(self, texts: Sequence[str]) -> list[Embedded]:
        vectors, counts = self._vectors(texts, ["input"] * len(texts))
        width = vectors.shape[1]
        joined = array("f", vectors.numpy().tobytes())
        return [Embedded(joined[i * width : (i + 1) * width], count) for i, count in enumerate(counts)]

    def _cosines(self, pairs: Sequence[tuple[str, str]]) -> list[Scored]:
        import torch

        # A query with its documents stands in many pairs, and is computed once.
        params = {document: "documents" for _, document in pairs} | {query: "query" for query, _ in pairs}
        row = {text: i for i, text in enumerate(params)}
        vectors, counts = self._vectors(tuple(params), tuple(params.values()))
        vectors = torch.nn.functional.normalize(vectors, dim=1)
        queries = vectors[[row[query] for query, _ in pairs]]
        documents = vectors[[row[document] for _, document in pairs]]
        cosines = (queries * documents).sum(1).clamp(-1.0, 1.0).tolist()
        return [
            Scored(cosine, counts[row[query]] + counts[row[document]])
            for cosine, (query, document) in zip(cosines, pairs, strict=True)
        ]

    def generate(self, request: GenerationRequest) -> Any:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.GENERATE)

    async def load_adapter(self, name: str, folder: str) -> None:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.ADAPTERS)

    async def unload_adapter(self, name: str) -> None:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.ADAPTERS)

    async def broken(self) -> HyperCubeError:
        """Wait until texts keep failing, whichever they are."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    async def close(self) -> None:
        """The memory goes with the process."""
        self._computing.shutdown(wait=False, cancel_futures=True)


def check_unread(texts: Iterable[str], params: Sequence[str], longest: int) -> None:
    """Refuse, before it is read, a text (or pair) of far more characters than `longest` tokens can have.

    Raises:
        HyperCubeError: CONTEXT_LENGTH_EXCEEDED for the first such text.
    """
    for text, param in zip(texts, params, strict=True):
        if len(text) > longest * _CHARACTERS_A_TOKEN:
            raise text_too_long(param, longest, characters=len(text))


def check_lengths(counts: Sequence[int], params: Sequence[str], longest: int) -> None:
    """Refuse a text (or pair) of more than `longest` tokens.

    Raises:
        HyperCubeError: CONTEXT_LENGTH_EXCEEDED for the first such text.
    """
    for param, count in zip(params, counts, strict=True):
        if count > longest:
            raise text_too_long(param, longest, tokens=count)


def check_sound(rows: "Tensor") -> None:
    """ENGINE_FAILED where a row [rows, width] holds what is no number."""
    import torch

    sound = torch.isfinite(rows).all(1)
    if not bool(sound.all()):
        unsound = int((~sound).sum())
        raise engine_failed(f"{unsound} of {len(rows)} results are not numbers (NaN or infinite)")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".: ")
