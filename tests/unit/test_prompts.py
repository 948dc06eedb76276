"""Prompts are files with checks: what is wrong with one is said when it is loaded."""

from pathlib import Path

import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingTone,
)
from hypercube.saju import chart
from hypercube.saju.composing import PROMOTED, outline, prompt
from hypercube.saju.composing.prompts import prompts, read_prompt
from hypercube.saju.reading import read

KO = ReadingLanguage.KO
FOLDER = Path(__file__).parents[2] / "hypercube" / "saju" / "prompts"


def test_every_prompt_is_there_in_every_language() -> None:
    names = {ident for ident, _ in prompts()}
    assert PROMOTED in names
    assert len(names) >= 2
    assert set(prompts()) == {(ident, language) for ident in names for language in ReadingLanguage}


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("version = 1", "version = 2", "says it is"),
        ('name = "retell"', 'name = "other"', "says it is"),
        ("{sentences}", "", "user has the slots"),
        ("{title}", "{titel}", "user has the slots"),
        ('plain = "꾸밈없이 담백하게 씁니다."', "", "tone must say"),
        ("temperature = 0.3", "heat = 0.3", "sampling knows"),
        ("[audience]", "[reader]", "too much or too little"),
    ],
)
def test_a_prompt_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str, wrong: str) -> None:
    text = (FOLDER / "retell@1.ko.toml").read_text("utf-8")
    assert old in text
    file = tmp_path / "retell@1.ko.toml"
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ValueError, match=wrong):
        read_prompt(file)


def test_a_prompt_of_another_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "Retell.toml"
    file.write_text("", "utf-8")
    with pytest.raises(ValueError, match="NAME@VERSION"):
        read_prompt(file)


def test_a_prompt_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(HyperCubeError, match="retell@1"):
        prompt("retel@1", KO)


@pytest.mark.parametrize("ident", sorted({ident for ident, _ in prompts()}))
@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_a_request_holds_the_draft_and_the_options(ident: str, language: ReadingLanguage) -> None:
    found = chart("1990-05-03T07:20", sex="female", include=("facts", "luck", "periods"), as_of="2026-11-27")
    template = prompt(ident, language)
    for length in ReadingLength:
        options = ReadingOptions(
            language=language, length=length, tone=ReadingTone.PLAIN, audience=ReadingAudience.BEGINNER
        )
        for section in read(found, options):
            request = template.request(
                outline(found, section, language), options, question="{facts}?", model="m"
            )
            asked = request.messages[1].content
            assert all(sentence.text in asked for sentence in section.sentences)
            assert section.title in asked
            assert template.choices["length"][length] in asked
            assert template.choices["audience"]["beginner"] in asked
            assert "{facts}?" in asked
            assert request.max_tokens is not None
            assert request.max_tokens >= 160
            assert request.model == "m"
