"""`hypercube compatibility` in the terminal: two charts, the parts and the sentences; the best of several."""

import json

import pytest
from typer.testing import CliRunner

from hypercube.cli.commands import cli
from hypercube.core.errors import HyperCubeError

PAIR = ["compatibility", "1990-05-03 07:20 서울", "1993-09-17 21:10 부산"]
SEVERAL = [*PAIR, "1988-03-15", "1991-02-30"]


def told(*arguments: str) -> str:
    result = CliRunner(env={"COLUMNS": "140"}).invoke(cli, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_charts_the_parts_and_the_sentences_are_shown() -> None:
    shown = told(*PAIR)
    for word in ("戊 무", "辛 신", "일간의 오행", "배우자의 별", "첫 만남", "조언", "합계", "15", "모순 0건"):
        assert word in shown
    assert "Seoul" in shown
    assert "Busan" in shown


def test_sources_stand_beside_each_sentence() -> None:
    shown = told(*PAIR, "--sources", "--length", "short")
    assert "first.stem.day" in shown
    assert "relations/classical@1" in shown
    assert "pair.score" in shown


def test_several_are_ranked_and_a_wrong_one_is_named() -> None:
    shown = told(*SEVERAL, "--top", "2")
    assert "1993-09-17 21:10" in shown
    assert "1988-03-15" in shown
    assert "1991-02 has 28 days" in shown
    assert "첫 만남" not in shown
    assert "Who meets whom" in told(*SEVERAL, "--explain", "--language", "en")


def test_an_english_comparison_is_english_throughout() -> None:
    for shown in (told(*PAIR, "--language", "en"), told(*SEVERAL, "--language", "en", "--explain")):
        assert not any("가" <= letter <= "힣" for letter in shown)
    pair = told(*PAIR, "--language", "en")
    assert "spouse stars" in pair
    assert "because" in pair
    assert "day stems 戊·辛: the first feeds the second" in pair


def test_a_skipped_hour_can_be_compared_as_the_error_says() -> None:
    skipped = ["compatibility", "1988-05-08 02:30 서울", "1993-09-17", "--json"]
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, skipped, catch_exceptions=False)
    assert "fold 0" in str(caught.value.fix)
    assert json.loads(told(*skipped, "--fold", "1"))["first"]["instant"]["utc"] == "1988-05-07T16:30:00Z"


def test_plain_text_is_text_alone() -> None:
    shown = told(*PAIR, "--text", "--language", "en")
    assert shown.startswith("[1] 15\nThe first person")
    assert "┃" not in shown


def test_json_is_the_answer_of_the_server() -> None:
    answer = json.loads(told(*PAIR, "--json"))
    assert answer["pairs"][0]["score"] == 15
    assert answer["checked"]["contradictions"] == 0
    assert answer["first"]["options"]["place"] == "Seoul"


def test_a_bad_birth_is_refused_with_its_field() -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, ["compatibility", "1990-02-31", "1991-01-01"], catch_exceptions=False)
    assert caught.value.param == "first.birth"
