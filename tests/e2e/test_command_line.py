"""The command line as a user types it: answers on stdout, errors with value and fix on stderr, exit code 2."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from hypercube.core.chart import Chart
from hypercube.saju import chart
from hypercube.saju.text import to_text


def hypercube(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hypercube", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120"} | environment,
    )


def test_a_chart_is_drawn() -> None:
    done = hypercube("chart", "1990-05-03 07:20", "--sex", "male", "--place", "Seoul")
    assert done.returncode == 0, done.stderr
    for word in ("庚 경", "午 오", "乙 을", "卯 묘", "-1925 s", "입하 立夏", "DE440 table", "乙卯 (을묘)"):
        assert word in done.stdout, word


def test_a_chart_brings_its_facts_its_luck_and_the_day() -> None:
    done = hypercube(
        "chart", "1990-05-03 07:20", "--sex", "male", "--place", "Seoul", "--as-of", "2026-11-23"
    )
    for word in ("식신", "지장간", "丙 편인", "제왕", "대림목", "백호살", "신강 65/110", "정관격", "목 2(35)", "반방합",
                 "공망 일 戌亥", "대운 순행", "甲 갑", "현재 2026-11-23: 대운 甲申(갑신)"):  # fmt: skip
        assert word in done.stdout, word
    without = hypercube("chart", "1990-05-03 07:20", "--include", "none")
    for word in ("식신", "대운", "현재"):
        assert word not in without.stdout


def test_lunar_births_and_schools() -> None:
    done = hypercube(
        "chart",
        "2020-04-01",
        "--lunar",
        "--leap-month",
        "--sex",
        "female",
        "--hidden-stems",
        "chinese",
        "--json",
    )
    answer = json.loads(done.stdout)
    assert answer["instant"]["local"] == "2020-05-23T12:00:00"
    assert answer["facts"]["schools"][0]["version"] == "hidden_stems/chinese@1"
    assert len(answer["luck_ranges"]) == 1


def test_the_text_for_a_language_model() -> None:
    done = hypercube("chart", "1990-05-03 07:20", "--as-of", "2026-11-23", "--text", "en")
    expected = to_text(chart("1990-05-03 07:20", include=["facts", "periods"], as_of="2026-11-23"), "en")
    assert done.stdout == expected + "\n"


def test_terms_and_lunar_dates() -> None:
    terms = hypercube("terms", "2026")
    assert "입춘 立春" in terms.stdout
    assert "2026-02-04 05:02" in terms.stdout
    assert json.loads(hypercube("terms", "2026", "--zone", "UTC", "--json").stdout)["zone"] == "UTC"
    lunar = hypercube("lunar", "2020-04-01", "--lunar", "--leap-month")
    assert "양력 2020-05-23" in lunar.stdout
    assert "윤4월 1일" in lunar.stdout
    assert json.loads(hypercube("lunar", "1990-05-03", "--json").stdout)["lunar"]["day"] == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["terms", "1799"], ["1799", "1800", "2200"]),
        (["terms", "2026", "--zone", "Seoul"], ["Seoul", "Asia/Seoul"]),
        (["lunar", "1990-04-31", "--lunar"], ["1 to 29"]),
        (["chart", "1990-05-03", "--include", "all"], ["sex", "male"]),
        (["chart", "1990-05-03", "--include", "fact"], ["Did you mean 'facts'?"]),
        (["chart", "1990-05-03", "--text", "kr"], ["kr", "ko, en"]),
        (["chart", "1990-04-01", "--lunar", "--leap-month"], ["leap 5th month"]),
    ],
)
def test_wrong_options_say_what_to_write(arguments: list[str], words: list[str]) -> None:
    done = hypercube(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_json_is_the_chart_itself() -> None:
    done = hypercube("chart", "1990-05-03 07:20", "--place", "서울", "--day-boundary", "zi23", "--json")
    expected = chart("1990-05-03 07:20", place="서울", day_boundary="zi23")
    assert isinstance(expected, Chart)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert [answer["pillars"][p]["index"] for p in ("year", "month", "day", "hour")] == list(
        expected.pillars.indices()
    )
    assert answer["options"]["day_boundary"] == "zi23"


def test_a_date_alone_is_a_chart_without_an_hour() -> None:
    done = hypercube("chart", "1990-05-03")
    assert done.returncode == 0
    assert "?" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1990-02-31"], ["1990-02-31", "28"]),
        (["1200-01-01 12:00"], ["1200", "1800", "2200"]),
        (["1988-05-08 02:30"], ["skipped", "fold 0", "fold 1"]),
        (["1988-10-09 02:30"], ["twice", "fold 0", "fold 1"]),
        (["1990-05-03 07:20", "--place", "Seoull"], ["Seoull", "Seoul"]),
        (["1990-05-03 07:20", "--longitude", "200"], ["200", "-180", "180"]),
        (["1990-05-03 07:20", "--backend", "nunba"], ["nunba", "numba"]),
        (["yesterday"], ["yesterday", "YYYY-MM-DD"]),
    ],
    ids=["february", "year", "skipped", "repeated", "place", "longitude", "backend", "words"],
)
def test_wrong_input_says_value_and_fix(arguments: list[str], words: list[str]) -> None:
    done = hypercube("chart", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_cubes_are_listed_and_shown() -> None:
    listed = hypercube("cubes", "list", "--json")
    assert {cube["name"] for cube in json.loads(listed.stdout)} >= {"saju", "chat", "models"}
    shown = hypercube("cubes", "show", "saju")
    assert json.loads(shown.stdout)["request_schema"]["properties"]["births"]
    missing = hypercube("cubes", "show", "sajoo")
    assert missing.returncode == 2
    assert "Did you mean 'saju'" in missing.stderr


def test_doctor_says_what_was_chosen() -> None:
    facts = json.loads(hypercube("doctor", "--json").stdout)
    assert facts["machine"]["cores usable"] >= 1
    chosen, _, why = facts["charts"]["a million"].partition(": ")
    assert chosen in facts["charts"]["backends"].split(", ")
    assert why
    assert "gpu" in facts["machine"] or "gpu 0" in facts["machine"]


def test_models_are_listed_and_an_unknown_one_is_refused() -> None:
    assert {row["name"] for row in json.loads(hypercube("models", "list", "--json").stdout)} >= {"fake"}
    missing = hypercube("models", "pull", "qwen")
    assert missing.returncode == 2
    assert "qwen2.5-coder-1.5b-instruct" in missing.stderr


def test_the_fake_model_answers_in_the_terminal() -> None:
    done = hypercube("chat", "안녕하세요", "--model", "fake")
    assert done.returncode == 0, done.stderr
    assert "안녕하세요" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["serve", "--host", "0.0.0.0"], {}, ["0.0.0.0", "--allow-remote"]),
        (["serve", "--model", "gpt-9"], {}, ["gpt-9", "fake"]),
        (["serve"], {"HYPERCUBE_SERVER_PROT": "1"}, ["HYPERCUBE_SERVER_PROT", "Did you mean"]),
        (["serve", "--config", "gone.toml"], {}, ["gone.toml"]),
        (["serve", "--backend", "tritn"], {}, ["tritn", "reference"]),
        (["serve", "--log-level", "loud"], {}, ["loud"]),
    ],
    ids=["address", "model", "variable", "file", "backend", "level"],
)
def test_a_server_with_wrong_settings_does_not_start(
    arguments: list[str], environment: dict[str, str], words: list[str]
) -> None:
    done = hypercube(*arguments, **environment)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, (word, done.stderr)
