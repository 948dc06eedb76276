"""Drawing the next token: each rule against its definition, draws that depend on seed and place alone."""

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from hypercube.core.engine import Sampling  # noqa: E402
from hypercube.inference.transformers.sampling import Draw, Row, choose, likeliest, rate  # noqa: E402

PROBABILITIES = [0.4, 0.3, 0.2, 0.06, 0.04]
LOGITS = torch.tensor(PROBABILITIES).log()


def row(draw: Draw, generated: tuple[int, ...] = (), position: int = 0) -> Row:
    return Row("r", draw, generated, position)


def drawn(draw: Draw, times: int = 2000, logits: "torch.Tensor" = LOGITS) -> Counter[int]:
    return Counter(choose(logits, row(draw, position=number)) for number in range(times))


def shares(counts: Counter[int]) -> list[float]:
    return [counts[token] / counts.total() for token in range(len(PROBABILITIES))]


def test_tokens_come_as_often_as_they_are_likely() -> None:
    assert shares(drawn(Draw())) == pytest.approx(PROBABILITIES, abs=0.04)


def test_the_temperature_divides_the_logits() -> None:
    expected = (LOGITS / 2).softmax(-1).tolist()
    assert shares(drawn(Draw(temperature=2.0))) == pytest.approx(expected, abs=0.04)
    assert set(drawn(Draw(temperature=0.0), 5)) == {0}


@pytest.mark.parametrize(
    ("draw", "kept"),
    [
        (Draw(top_k=2), {0, 1}),
        (Draw(top_k=99), {0, 1, 2, 3, 4}),
        (Draw(top_p=0.5), {0, 1}),
        (Draw(top_p=0.71), {0, 1, 2}),
        (Draw(top_p=0.0), {0}),
        (Draw(min_p=0.4), {0, 1, 2}),
        (Draw(min_p=1.0), {0}),
        (Draw(top_k=3, top_p=0.5), {0, 1}),
        (Draw(top_k=4, min_p=0.7), {0, 1}),
    ],
)
def test_what_is_cut_off_never_comes_and_the_rest_does(draw: Draw, kept: set[int]) -> None:
    assert set(drawn(draw, 500)) == kept


def test_a_nucleus_wider_than_the_candidates_is_still_whole() -> None:
    flat = torch.zeros(5000)
    assert max(drawn(Draw(top_p=0.9), 300, flat)) > 1024
    assert len(drawn(Draw(top_p=0.1), 3000, flat)) <= 501


def test_penalties_count_what_was_generated() -> None:
    logits = torch.tensor([1.0, 0.9, 0.8])
    greedy = {"temperature": 0.0}
    assert choose(logits, row(Draw(**greedy, presence_penalty=0.15), (0, 0))) == 1
    assert choose(logits, row(Draw(**greedy, frequency_penalty=0.15), (0, 1))) == 0
    assert choose(logits, row(Draw(**greedy, frequency_penalty=0.15), (0, 0, 1))) == 2
    assert choose(logits, row(Draw(**greedy, presence_penalty=-2.0), (2,))) == 2
    assert logits.tolist() == pytest.approx([1.0, 0.9, 0.8])


def test_a_draw_depends_on_its_seed_and_place_alone() -> None:
    flat = torch.zeros(1000)
    first = [choose(flat, row(Draw(seed=7), position=place)) for place in range(20)]
    assert first == [choose(flat, row(Draw(seed=7), position=place)) for place in range(20)]
    assert first != [choose(flat, row(Draw(seed=8), position=place)) for place in range(20)]
    assert len(set(first)) > 15


def test_forbidden_tokens_never_come() -> None:
    logits = torch.tensor([float("-inf"), 0.0, float("-inf")])
    assert set(drawn(Draw(), 50, logits)) == {1}


def test_rows_that_are_no_numbers_are_found() -> None:
    inf, nan = float("inf"), float("nan")
    rows = torch.tensor([[0.0, 1.0], [nan, 1.0], [-inf, 1.0], [inf, 0.0], [-inf, -inf]])
    assert likeliest(rows) == [1, None, 1, None, None]
    assert likeliest(rows[:0]) == []


def test_a_known_likeliest_token_is_taken_only_where_nothing_moves_it() -> None:
    logits = torch.tensor([0.0, 3.0, 1.0])
    greedy = Draw(temperature=0.0)
    assert choose(logits, row(greedy), 1) == 1
    assert choose(logits, row(Draw(temperature=0.0, logit_bias=((1, -100.0),))), 1) == 2
    assert choose(logits, row(Draw(temperature=0.0, presence_penalty=2.5), (1,)), 1) == 2


def test_a_request_comes_before_the_models_defaults() -> None:
    defaults = {"temperature": 0.7, "top_k": 20}
    assert Draw.of(Sampling(), {}, 5) == Draw(seed=5)
    assert Draw.of(Sampling(top_k=0, seed=0), defaults, 5) == Draw(temperature=0.7, top_k=0, seed=0)


def test_a_bias_forbids_and_forces_and_the_rating_does_not_see_it() -> None:
    logits = torch.tensor([0.0, 3.0, 1.0, -2.0])
    for bias, token in (((), 1), (((1, -100.0),), 2), (((3, 100.0),), 3)):
        row = Row("r", Draw(temperature=0.0, logit_bias=bias), [], 0)
        assert choose(logits, row) == token
    logprob, top = rate(logits, 2, 2)
    expected = logits.log_softmax(-1)
    assert logprob == pytest.approx(float(expected[2]))
    assert [token for token, _ in top] == [1, 2]
    assert top[0][1] == pytest.approx(float(expected[1]))
    assert rate(logits, 0, 0)[1] == []
    assert len(rate(logits, 0, 20)[1]) == 4
