"""A conversation cut to a budget: the facts and the last turn stay, the newest turns go first."""

from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.engine import ChatMessage
from hypercube.saju.conversation import fitted, room_of, tokens
from hypercube.saju.conversation.budget import PER_TURN, pieces

TURNS = st.lists(
    st.builds(ChatMessage, st.sampled_from(["user", "assistant", "system"]), st.text(max_size=60)),
    min_size=1,
    max_size=30,
)


@given(st.text(max_size=300))
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(TURNS, st.integers(0, 400))
def test_it_fits_and_keeps_order(turns: list[ChatMessage], room: int) -> None:
    turns = [*turns, ChatMessage("user", "제 성격은?")]
    cut = fitted("사실", turns, room)
    assert cut[0].role == "system"
    assert cut[0].content.startswith("사실")
    assert cut[-1] == turns[-1]
    body = list(cut[1:])
    positions = [at for at, each in enumerate(turns) if any(each is one for one in body)]
    assert len(positions) >= len(body)
    spent = sum(tokens(each.content) + PER_TURN for each in cut)
    least = tokens("사실") + tokens(turns[-1].content) + 2 * PER_TURN
    assert spent <= max(room, least)
    assert cut[1].role == "user"


def test_the_newest_turns_stay() -> None:
    turns = [
        ChatMessage("user" if at % 2 == 0 else "assistant", f"{at:03} " + "가" * 50) for at in range(201)
    ]
    cut = fitted("사실", turns, 600)
    shown = [each.content[:3] for each in cut[1:]]
    assert shown[-1] == "200"
    assert shown == [f"{at:03}" for at in range(201 - len(shown), 201)]
    assert 5 <= len(shown) <= 12


def test_the_callers_own_system_turns_follow_the_facts() -> None:
    turns = [ChatMessage("system", "짧게 답해."), ChatMessage("user", "안녕")]
    assert fitted("사실", turns, 100)[0].content == "사실\n\n짧게 답해."
    assert fitted("사실", turns, 12)[0].content == "사실"


def test_what_is_left_for_an_answer() -> None:
    assert room_of(4096, None) == 3072
    assert room_of(4096, 100) == 3996
    assert room_of(4096, 9999) == 2048
