"""`hypercube reading` in the terminal: sections as paragraphs, sources, plain text and JSON."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console
from typer.testing import CliRunner

from hypercube.cli.commands import cli
from hypercube.cli.reading_view import reading_view
from hypercube.core.errors import HyperCubeError
from hypercube.saju import chart
from hypercube.saju.interpretation import interpret

ASK = ["reading", "1990-05-03 07:20", "--sex", "female", "--place", "서울", "--as-of", "2026-11-27"]


def told(*options: str) -> str:
    result = CliRunner().invoke(cli, [*ASK, *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_pillars_the_sections_and_the_check_are_shown() -> None:
    shown = told()
    for word in ("戊 무", "기질·성격", "대운 흐름", "조언", "모순 0건", "기준일 2026-11-27"):
        assert word in shown


def test_sources_stand_beside_each_sentence() -> None:
    shown = told("--sources", "--length", "short", "--section", "work")
    assert "structure/japyeong-exposure@1" in shown
    assert "정관격(正官格)" in shown
    assert "기질·성격" not in shown


def test_plain_text_is_text_alone() -> None:
    shown = told("--text", "--language", "en", "--section", "advice")
    assert shown.startswith("[Advice]\n")
    assert "┃" not in shown


def test_json_is_the_answer_of_the_server() -> None:
    answer = json.loads(told("--json", "--length", "short"))
    assert answer["written_by"] == "corpus"
    assert answer["checked"]["contradictions"] == 0
    assert next(section["section"] for section in answer["sections"]) == "temper"


def test_who_wrote_is_shown_and_why_the_corpus_did() -> None:
    reading = interpret(chart("1990-05-03T07:20", include=("facts", "periods"), as_of="2026-11-27"))
    first, second, *rest = reading.sections
    own = replace(first.sentences[0], written_by="tiny")
    mixed = replace(
        first, sentences=(own, *first.sentences[1:]), written_by="mixed", fallback="engine_failed"
    )
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(reading_view(replace(reading, sections=(mixed, second, *rest), written_by="mixed")))
    shown = console.export_text()
    assert f"tiny·말뭉치 {reading.corpus_version}판의 풀이" in shown
    assert "engine_failed" in shown


@pytest.mark.parametrize("option", [["--writer", "model"], ["--model", "m"], ["--question", "일은?"]])
def test_a_model_needs_a_server(option: list[str]) -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, [*ASK, *option], catch_exceptions=False)
    assert caught.value.param == option[0]
    assert caught.value.value == option[1]
    assert "--server" in str(caught.value)


def test_a_skipped_hour_can_be_read_as_the_error_says() -> None:
    skipped = ["reading", "1988-05-08 02:30", "--place", "서울", "--as-of", "2026-11-27", "--json"]
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, skipped, catch_exceptions=False)
    assert "fold 0" in str(caught.value.fix)
    utc = [
        json.loads(CliRunner().invoke(cli, [*skipped, "--fold", fold], catch_exceptions=False).output)[
            "chart"
        ]["instant"]["utc"]
        for fold in ("0", "1")
    ]
    assert utc == ["1988-05-07T17:30:00Z", "1988-05-07T16:30:00Z"]


def test_schools_and_conventions_are_those_asked_for() -> None:
    asked = ["--day-boundary", "zi23", "--time-basis", "true_solar", "--life-stages", "yin_forward"]
    shown = told("--json", *asked, "--luck-age", "exact")
    options = json.loads(shown)["chart"]["options"]
    assert (options["day_boundary"], options["time_basis"]) == ("zi23", "true_solar")
    assert "동생동사" in shown
    assert "반올림" in told("--section", "luck")
    assert "반올림" not in told("--section", "luck", "--luck-age", "exact")


def test_an_english_reading_has_an_english_head() -> None:
    shown = told("--language", "en", "--length", "short", "--section", "advice")
    assert "solar 1990-05-03 07:20:00   lunar 1990-04-09   female   Seoul" in shown
    assert "戊 Mu" in shown
    assert "辰 Jin" in shown
    assert not any(
        "가" <= letter <= "힣" for line in shown.split("Advice")[0].splitlines() for letter in line
    )


def test_a_bad_birth_is_refused_with_its_field() -> None:
    with pytest.raises(HyperCubeError) as caught:
        CliRunner().invoke(cli, ["reading", "1990-02-31"], catch_exceptions=False)
    assert caught.value.param == "birth"
