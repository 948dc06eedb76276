"""Embeddings and scores of one served model: texts of many requests share batches of equal length.

Each text is an item of the dynamic batcher, keyed by what is asked and by its length's bucket, so that a batch
pads a text to at most twice its size; its cost is the bucket, so that the cost limit bounds the padded tokens of a
batch. Which text breaks a batch is the batcher's to find out: the others of the request, and other requests, get
their answers, and the request of that text gets its error.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Sequence
from typing import Any, Final, TypeVar

from hypercube.batching import Batcher, Limits
from hypercube.batching.policy import NEVER
from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest, Embeddings, ScoreRequest, Scores
from hypercube.core.errors import HyperCubeError
from hypercube.inference.engine import Embedded, Engine, Scored
from hypercube.inference.request_check import MAX_TEXTS, check_texts

Item = TypeVar("Item")
Result = TypeVar("Result")

SHORTEST_BUCKET: Final = 32
BATCH_COST: Final = 16_384.0
"""Padded UTF-8 bytes in one batch: about 4,000 to 16,000 tokens, by language."""


def bucket(text: str) -> int:
    """The power of two, at least 32, that a text's UTF-8 bytes fit in: bytes follow tokens closely enough."""
    size = len(text.encode())
    return SHORTEST_BUCKET if size <= SHORTEST_BUCKET else 1 << (size - 1).bit_length()


class Encoding:
    """The batchers in front of one model's engine, whichever engine object that is at the time."""

    def __init__(
        self, name: str, engine: Callable[[], Engine], clock: Clock, max_wait_s: float = NEVER
    ) -> None:
        """`engine` returns the engine that runs the model now, and raises UNAVAILABLE while none does.

        A request behind more work than `max_wait_s`, in seconds at the rate seen, is refused at once.
        """
        self._engine = engine
        self._max_wait_s = max_wait_s
        limits = Limits(max_cost=BATCH_COST)
        self._texts: Batcher[str, Embedded] = Batcher(
            self._embed, limits=limits, clock=clock, name=f"embeddings of {name}"
        )
        self._pairs: Batcher[tuple[str, str], Scored] = Batcher(
            self._score, limits=limits, clock=clock, name=f"scores of {name}"
        )

    @property
    def in_flight(self) -> int:
        """Texts waiting or computing."""
        counts = [each.snapshot() for each in (self._texts, self._pairs)]
        return sum(each.queued_items + each.running_items for each in counts)

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """Vectors of `request.texts`; see `core.engine.EngineClient.embed`."""
        check_texts(request.texts, "input", most=MAX_TEXTS)
        found = await self._all(self._texts, request.texts, map(bucket, request.texts), "input", call)
        return Embeddings(tuple(each.vector for each in found), sum(each.tokens for each in found))

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """Scores of `request.documents`; see `core.engine.EngineClient.score`."""
        check_texts((request.query,), "query", most=1)
        check_texts(request.documents, "documents", most=MAX_TEXTS)
        pairs = [(request.query, document) for document in request.documents]
        sizes = (bucket(request.query + document) for document in request.documents)
        found = await self._all(self._pairs, pairs, sizes, "documents", call)
        return Scores(tuple(each.score for each in found), sum(each.tokens for each in found))

    async def _all(
        self,
        batcher: Batcher[Item, Result],
        items: Sequence[Item],
        sizes: Iterable[int],
        param: str,
        call: Call,
    ) -> list[Result]:
        """Each item through `batcher`; the error of one names it, as the caller wrote it."""
        self._engine()
        batcher.require_wait_within(self._max_wait_s)
        return await together(
            _named(
                batcher.submit(
                    size,
                    item,
                    cost=float(size),
                    deadline=call.deadline,
                    timing=call.timing,
                    priority=call.priority,
                    tenant=call.tenant,
                ),
                param,
                None if len(items) == 1 else number,
            )
            for number, (size, item) in enumerate(zip(sizes, items, strict=True))
        )

    async def close(self) -> None:
        """Finish what was accepted."""
        await asyncio.gather(self._texts.close(), self._pairs.close())

    async def _embed(self, _: Hashable, texts: Sequence[str]) -> Sequence[Embedded]:
        return await self._engine().embed(texts)

    async def _score(self, _: Hashable, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        return await self._engine().score(pairs)


async def _named(work: Coroutine[Any, Any, Result], param: str, number: int | None) -> Result:
    try:
        return await work
    except HyperCubeError as error:
        if error.param == param and number is not None:
            error.param = f"{param}[{number}]"
        raise


async def together(work: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """All results in order; the first failure cancels the rest, since nobody would read them."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
