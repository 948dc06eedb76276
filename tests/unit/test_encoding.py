"""Texts of many requests in shared batches: who shares with whom, in which order, and who hears of a failure."""

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from hypercube.core.cube import Call, Priority
from hypercube.core.engine import EmbeddingRequest, Embeddings, ScoreRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.context import text_too_long
from hypercube.inference.encoding import BATCH_COST, SHORTEST_BUCKET, Encoding, bucket
from hypercube.inference.engine import Embedded, Scored, engine_failed

Run = Callable[[Callable[[], Awaitable[None]]], None]
BATCH_S = 0.05


class RecordingEngine:
    """Takes 50 ms for a batch; a vector is the sum of the text's characters, so that crossed results show.

    A text with `long` in it is too long, one with `nan` has no sound vector; `die` ends the engine.
    """

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.dead = False

    def running(self) -> Any:
        if self.dead:
            raise HyperCubeError(ErrorKind.UNAVAILABLE, "The model is loading.", retry_after_s=3.0)
        return self

    async def embed(self, texts: Sequence[str]) -> list[Embedded]:
        self.batches.append(list(texts))
        for text in texts:
            if "long" in text:
                raise text_too_long("input", 8, tokens=len(text))
        await asyncio.sleep(BATCH_S)
        if any("die" in text for text in texts):
            self.dead = True
            raise engine_failed("its process was ended by SIGKILL")
        if any("nan" in text for text in texts):
            raise engine_failed("not numbers")
        return [Embedded(vector(text), len(text)) for text in texts]

    async def score(self, pairs: Sequence[tuple[str, str]]) -> list[Scored]:
        self.batches.append(list(pairs))
        await asyncio.sleep(BATCH_S)
        return [Scored(float(len(query) * 100 + len(document)), 1) for query, document in pairs]


def vector(text: str) -> "array[float]":
    return array("f", [sum(map(ord, text)), len(text)])


def parts() -> tuple[RecordingEngine, Encoding]:
    engine = RecordingEngine()
    return engine, Encoding("tiny", engine.running, asyncio.get_running_loop().time)


async def embed(encoding: Encoding, *texts: str, call: Call | None = None) -> Embeddings:
    return await encoding.embed(EmbeddingRequest(texts), call or Call())


async def failure(work: Awaitable[Any]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


def test_buckets_are_powers_of_two_of_bytes() -> None:
    sizes = {"": 32, "a" * 32: 32, "a" * 33: 64, "a" * 64: 64, "사" * 22: 128, "a" * 1025: 2048}
    assert {text: bucket(text) for text in sizes} == sizes
    assert SHORTEST_BUCKET == 32


def test_one_text_requests_share_few_batches_and_keep_their_results(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()

        async def caller(number: int) -> None:
            for turn in range(2):
                text = f"nonce {number} {turn}"
                found = await embed(encoding, text)
                assert found == Embeddings((vector(text),), len(text))

        await asyncio.gather(*(caller(number) for number in range(64)))
        assert [len(batch) for batch in engine.batches] == [64, 64]
        assert encoding.in_flight == 0

    run_virtual(main)


def test_one_request_of_many_texts_keeps_their_order(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        texts = [f"text {'x' * (number * 37 % 300)} {number}" for number in range(300)]
        found = await embed(encoding, *texts)
        assert list(found.vectors) == [vector(text) for text in texts]
        assert found.prompt_tokens == sum(map(len, texts))
        # Lengths are not mixed, and neither 128 texts nor the cost of a batch are exceeded.
        for batch in engine.batches:
            (size,) = {bucket(text) for text in batch}
            assert len(batch) <= 128
            assert len(batch) * size <= BATCH_COST
        assert len(engine.batches) <= 12

    run_virtual(main)


def test_a_text_too_long_fails_its_own_request_and_is_named(run_virtual: Run) -> None:
    async def main() -> None:
        _engine, encoding = parts()
        good = [asyncio.ensure_future(embed(encoding, f"good {number}")) for number in range(30)]
        bad = asyncio.ensure_future(failure(embed(encoding, "fine", "too long", "fine too")))
        assert [(await one).vectors[0] for one in good] == [vector(f"good {number}") for number in range(30)]
        error = await bad
        assert (error.kind, error.param, error.value) == (ErrorKind.CONTEXT_LENGTH_EXCEEDED, "input[1]", 8)
        assert error.details == {"context_length": 8, "prompt_tokens": 8}
        assert (await failure(embed(encoding, "so long"))).param == "input"
        assert encoding.in_flight == 0

    run_virtual(main)


def test_a_text_without_a_sound_vector_is_found_by_halves(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        work = [embed(encoding, f"{number} {'nan' if number == 5 else ''}") for number in range(16)]
        found = await asyncio.gather(*work, return_exceptions=True)
        failed = [number for number, each in enumerate(found) if isinstance(each, HyperCubeError)]
        assert failed == [5]
        assert found[5].kind is ErrorKind.ENGINE_FAILED  # type: ignore[union-attr]
        assert [len(batch) for batch in engine.batches] == [16, 8, 4, 4, 2, 1, 1, 2, 8]

    run_virtual(main)


def test_an_engine_that_dies_fails_its_batch_at_once(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        work = (embed(encoding, f"{number} {'die' if number == 5 else ''}") for number in range(16))
        found = await asyncio.gather(*work, return_exceptions=True)
        kinds = {each.kind for each in found if isinstance(each, HyperCubeError)}
        assert len(found) == 16
        assert kinds == {ErrorKind.UNAVAILABLE}
        assert [len(batch) for batch in engine.batches] == [16]
        assert (await failure(embed(encoding, "later"))).retry_after_s == 3.0

    run_virtual(main)


def test_deadlines_hold_in_the_queue(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        loop = asyncio.get_running_loop()
        first = asyncio.ensure_future(embed(encoding, "first"))
        await asyncio.sleep(0.001)
        began = loop.time()
        error = await failure(embed(encoding, "second", call=Call(deadline=began + 0.01)))
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert loop.time() - began == pytest.approx(0.01, abs=0.005)
        assert (await first).prompt_tokens == 5
        assert engine.batches == [["first"]]

    run_virtual(main)


def test_a_caller_that_leaves_takes_its_texts_along(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        first = asyncio.ensure_future(embed(encoding, "first"))
        await asyncio.sleep(0.001)
        leaving = asyncio.ensure_future(embed(encoding, "second", "third"))
        staying = asyncio.ensure_future(embed(encoding, "fourth"))
        await asyncio.sleep(0.001)
        leaving.cancel()
        assert (await staying).vectors == (vector("fourth"),)
        assert (await first).vectors == (vector("first"),)
        assert engine.batches == [["first"], ["fourth"]]
        assert leaving.cancelled()
        assert encoding.in_flight == 0

    run_virtual(main)


def test_urgent_calls_go_first_and_tenants_take_turns(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        first = asyncio.ensure_future(embed(encoding, "first"))
        await asyncio.sleep(0.001)
        calls = {
            "low": Call(priority=Priority.LOW),
            "urgent": Call(priority=Priority.URGENT),
            "other": Call(tenant="other"),
        }
        # 8192 bytes each: two share a batch.
        work = [
            asyncio.ensure_future(embed(encoding, name + "." * 8000, call=call))
            for name, call in (*calls.items(), *calls.items())
        ]
        await asyncio.gather(first, *work)
        order = [[text.rstrip(".") for text in batch] for batch in engine.batches]
        flat = [name for batch in order[1:] for name in batch]
        assert [len(batch) for batch in order] == [1, 2, 2, 2]
        assert flat.index("urgent") < flat.index("low")
        assert flat.index("other") < len(flat) - 1 - flat[::-1].index("low")

    run_virtual(main)


def test_what_does_not_fit_the_queue_is_refused_at_once(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()
        many = asyncio.ensure_future(embed(encoding, *(f"text {number}" for number in range(4096))))
        await asyncio.sleep(0.001)
        error = await failure(embed(encoding, *(f"more {number}" for number in range(300))))
        assert error.kind is ErrorKind.OVERLOADED
        assert error.retry_after_s is not None
        assert error.retry_after_s > 0
        assert len((await many).vectors) == 4096
        assert all(text.startswith("text") for batch in engine.batches for text in batch)
        assert encoding.in_flight == 0

    run_virtual(main)


@pytest.mark.parametrize(
    ("texts", "param"),
    [((), "input"), (("a", ""), "input[1]"), (("a", "\ud800"), "input[1]"), (("",) * 4097, "input")],
)
def test_what_no_encoder_can_read_is_refused_before_the_queue(
    run_virtual: Run, texts: tuple[str, ...], param: str
) -> None:
    async def main() -> None:
        engine, encoding = parts()
        error = await failure(embed(encoding, *texts))
        assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, param)
        assert engine.batches == []

    run_virtual(main)


def test_scores_share_batches_too(run_virtual: Run) -> None:
    async def main() -> None:
        engine, encoding = parts()

        async def caller(number: int) -> None:
            query, documents = "q" * (number + 1), tuple("d" * (size + 1) for size in range(3))
            found = await encoding.score(ScoreRequest(query, documents), Call())
            assert found.scores == tuple(len(query) * 100 + len(document) for document in documents)
            assert found.prompt_tokens == 3

        await asyncio.gather(*(caller(number) for number in range(16)))
        assert [len(batch) for batch in engine.batches] == [48]
        assert (await failure(encoding.score(ScoreRequest("q", ()), Call()))).param == "documents"
        assert (await failure(encoding.score(ScoreRequest("", ("a",)), Call()))).param == "query"

    run_virtual(main)


def test_closing_answers_what_was_accepted(run_virtual: Run) -> None:
    async def main() -> None:
        _engine, encoding = parts()
        work = asyncio.ensure_future(embed(encoding, "one", "two"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await encoding.close()
        assert (await work).prompt_tokens == 6
        assert (await failure(embed(encoding, "three"))).kind is ErrorKind.UNAVAILABLE

    run_virtual(main)
