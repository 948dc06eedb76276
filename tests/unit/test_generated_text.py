"""Text that appears token by token: no half character, nothing of a stop sequence, nothing lost."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.inference.generated_text import Detokenizer, StopFinder


def bytes_of(tokens: Sequence[int]) -> str:
    """Each token is a byte: the hardest case for characters."""
    return bytes(tokens).decode(errors="replace")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=30))
def test_pieces_are_whole_characters_and_join_to_the_text(text: str) -> None:
    detokenizer = Detokenizer(bytes_of)
    pieces = [detokenizer.feed(byte) for byte in text.encode()]
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) == text
    assert detokenizer.flush() == ""


def test_a_character_that_never_ends_is_shown_as_broken() -> None:
    detokenizer = Detokenizer(bytes_of)
    assert [detokenizer.feed(byte) for byte in b"a\xec\x82"] == ["a", "", ""]
    assert detokenizer.flush() == "\ufffd"


def test_nonsense_is_not_held_for_ever() -> None:
    detokenizer = Detokenizer(bytes_of)
    pieces = [detokenizer.feed(0xFF) for _ in range(40)]
    assert sum(bool(piece) for piece in pieces) >= 4
    assert "".join(pieces) + detokenizer.flush() == "\ufffd" * 40


def test_spaces_between_words_are_the_decoders() -> None:
    words = ["the", "day", "master"]
    detokenizer = Detokenizer(lambda tokens: " ".join(words[token] for token in tokens))
    assert [detokenizer.feed(number) for number in range(3)] == ["the", " day", " master"]


STOPS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.text("abcd", max_size=30), STOPS, st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_no_part_of_a_stop_is_shown_and_nothing_else_is_lost(
    text: str, stops: list[str], sizes: list[int]
) -> None:
    finder = StopFinder(stops)
    shown, fed = "", 0
    for size in sizes * 30:
        if fed >= len(text) or finder.found:
            break
        shown += finder.feed(text[fed : fed + size])
        fed += size
        assert not any(stop in shown for stop in stops)
    if not finder.found:
        shown += finder.flush()
    seen = text[:fed]
    first = min((seen.find(stop) for stop in stops if stop in seen), default=len(seen))
    assert finder.found == any(stop in seen for stop in stops)
    assert shown == seen[:first]


def test_a_stop_across_pieces() -> None:
    finder = StopFinder(["끝\n\n"])
    assert [finder.feed(piece) for piece in ("목 끝", "\n", "아님 끝\n", "\n뒤")] == [
        "목 ",
        "",
        "끝\n아님 ",
        "",
    ]
    assert finder.found
    assert finder.feed("more") == ""
