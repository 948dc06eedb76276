"""The fake model is a function: same question, same answer, and honest counts."""

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationRequest, Sampling, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.fake import WIDTH, FakeEngine, answer, prompt_tokens, tokenize


def chat(text: str, *, max_tokens: int | None = None, **sampling: object) -> GenerationRequest:
    return GenerationRequest(
        (ChatMessage("user", text),),
        max_tokens=max_tokens,
        sampling=Sampling(**sampling),  # type: ignore[arg-type]
    )


async def run(
    request: GenerationRequest, engine: FakeEngine | None = None
) -> tuple[list[str], FinishReason | None, Usage | None]:
    engine = engine or FakeEngine()
    events = [event async for event in engine.generate(request, Call())]
    assert all(event.finish_reason is None and event.usage is None for event in events[:-1])
    assert engine.active == 0
    return [event.text for event in events[:-1]], events[-1].finish_reason, events[-1].usage


@pytest.mark.parametrize(
    "text", ["", " ", "안녕하세요, 세계!", "a  b\n\nc", "갑자(甲子) 1990", "\u2028x", "🙂🙂"]
)
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text


async def test_the_same_question_gets_the_same_answer_and_another_seed_another() -> None:
    first = await run(chat("사주가 뭐예요?", seed=1))
    assert first == await run(chat("사주가 뭐예요?", seed=1))
    assert first != await run(chat("사주가 뭐예요?", seed=2))
    assert first[1] is FinishReason.STOP


async def test_korean_is_answered_in_korean_and_the_question_comes_back() -> None:
    text = "".join((await run(chat("내 일주는 갑자야")))[0])
    assert "내 일주는 갑자야" in text
    assert all(not ("a" <= letter.lower() <= "z") for letter in text)
    assert "nonce-4711" in "".join((await run(chat("please repeat nonce-4711")))[0])


async def test_counts_are_those_of_the_tokens() -> None:
    request = chat("one two three", seed=5)
    pieces, _, usage = await run(request)
    assert usage == Usage(4, len(pieces))
    assert prompt_tokens(request.messages) == 4


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_max_tokens_cuts_with_length(limit: int) -> None:
    pieces, finish, usage = await run(chat("hello", max_tokens=limit))
    assert len(pieces) == limit
    assert finish is FinishReason.LENGTH
    assert usage == Usage(2, limit)


async def test_max_tokens_that_suffice_end_with_stop() -> None:
    pieces, _, _ = await run(chat("hello"))
    again, finish, _ = await run(chat("hello", max_tokens=len(pieces)))
    assert (again, finish) == (pieces, FinishReason.STOP)


async def test_a_stop_sequence_is_not_shown_but_its_token_counts() -> None:
    whole = answer((ChatMessage("user", "hello"),), None)
    stop = tokenize(whole)[6].strip()
    pieces, finish, usage = await run(chat("hello", stop=(stop,)))
    assert "".join(pieces) == whole[: whole.index(stop)]
    assert finish is FinishReason.STOP
    assert usage is not None
    assert usage.completion_tokens == next(n for n in range(1, 100) if stop in "".join(tokenize(whole)[:n]))


async def test_a_stop_sequence_across_tokens_is_found() -> None:
    whole = answer((ChatMessage("user", "hello"),), None)
    stop = "".join(tokenize(whole)[4:6])[1:]
    pieces, _, _ = await run(chat("hello", stop=("never", stop)))
    assert "".join(pieces) == whole[: whole.index(stop)]


async def test_the_window_holds_prompt_and_answer() -> None:
    engine = FakeEngine(context_length=16)
    _, finish, usage = await run(chat("word " * 10), engine)
    assert finish is FinishReason.LENGTH
    assert usage is not None
    assert usage.total_tokens == 16
    with pytest.raises(HyperCubeError) as caught:
        await run(chat("word " * 20), engine)
    assert caught.value.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED
    assert caught.value.details["context_length"] == 16
    assert caught.value.details["prompt_tokens"] == prompt_tokens(chat("word " * 20).messages)


async def test_each_token_takes_the_delay_asked_for() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pieces, _, _ = await run(chat("hello"), FakeEngine(token_delay_s=0.25, sleep=sleep))
    assert slept == [0.25] * len(pieces)


async def test_texts_of_equal_words_are_near() -> None:
    engine = FakeEngine(context_length=8)
    wood, again = await engine.embed(["yang wood", "Wood, yang"])
    assert (wood.tokens, again.tokens, len(wood.vector)) == (2, 3, WIDTH)
    assert sum(number * number for number in wood.vector) == pytest.approx(1.0, abs=1e-6)
    near, far = await engine.score([("yang wood", "Wood, yang"), ("yang wood", "yin fire")])
    assert near.score == pytest.approx(sum(a * b for a, b in zip(wood.vector, again.vector, strict=True)))
    assert near.score > far.score
    assert (near.tokens, far.tokens) == (5, 4)
    for work in (engine.embed(["word " * 20]), engine.score([("a", "word " * 20)])):
        with pytest.raises(HyperCubeError) as caught:
            await work
        assert caught.value.kind is ErrorKind.CONTEXT_LENGTH_EXCEEDED


async def test_closing_in_the_middle_frees_the_engine() -> None:
    engine = FakeEngine()
    events = engine.generate(chat("hello"), Call())
    await anext(events)
    assert engine.active == 1
    await events.aclose()
    assert engine.active == 0
