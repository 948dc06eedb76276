"""Where a written answer ends: piece by piece the same as of the whole text."""

from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.engine import ChatMessage, FinishReason, GenerationRequest, Sampling
from hypercube.cubes.feature.saju_chat.ending import Ending
from hypercube.saju.conversation.budget import pieces


def ended(
    parts: list[str], stops: tuple[str, ...], limit: int | None
) -> tuple[str, FinishReason | None, int]:
    request = GenerationRequest(
        (ChatMessage("user", "안녕"),), max_tokens=limit, sampling=Sampling(stop=stops)
    )
    ending, shown = Ending(request), []
    for part in parts:
        shown.append(ending.feed(part))
        if ending.reason is not None:
            break
    shown.append(ending.close())
    return "".join(shown), ending.reason, ending.made


@given(
    st.text("가나 ab.", max_size=40),
    st.lists(st.text("가나 ab.", min_size=1, max_size=3), max_size=3),
    st.one_of(st.none(), st.integers(1, 20)),
)
def test_an_answer_is_cut_at_the_first_stop_or_the_limit(
    text: str, stops: list[str], limit: int | None
) -> None:
    shown, reason, made = ended([text], tuple(stops), limit)
    assert text.startswith(shown)
    assert not any(stop in shown for stop in stops)
    every = pieces(text)
    allowed = "".join(every if limit is None else every[:limit])
    stopped = [at for stop in stops if (at := allowed.find(stop)) >= 0]
    if stopped:
        assert reason is FinishReason.STOP
        assert len(shown) <= max(stopped)
    else:
        assert shown == allowed
        assert made == (len(every) if limit is None else min(limit, len(every)))
        assert reason is (FinishReason.STOP if allowed == text else FinishReason.LENGTH)


@given(
    st.lists(st.text("가나 .", min_size=1, max_size=8), max_size=6), st.text("가나 .", min_size=1, max_size=4)
)
def test_a_stop_that_spans_two_sentences_is_found(parts: list[str], stop: str) -> None:
    shown, _, _ = ended(parts, (stop,), None)
    whole = "".join(parts)
    at = whole.find(stop)
    assert shown == (whole if at < 0 else whole[:at])
