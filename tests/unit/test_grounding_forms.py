"""Forms give the claims that the extractor gives: for every form of the corpus and every value of its slots."""

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.saju.grounding.claims import claims
from hypercube.saju.grounding.forms import VALUES, Form, Slot, filled, fits, learned
from hypercube.saju.reading import template
from hypercube.saju.reading.book import CORPORA
from hypercube.saju.reading.line import FormedLine
from hypercube.saju.reading.naming import NAMES, names_at
from hypercube.saju.reading.read import written
from hypercube.saju.reading.time_of_life import TimeOfLife
from tests.unit.reading_charts import random_charts

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
FIXED = {"pillar", "who"}
"""The other words that stand in a template with slots."""


def slotted(language: ReadingLanguage) -> Iterator[tuple[str, dict[str, str]]]:
    """Every template with slots, and every choice of its fixed words; with some words in the slots."""
    names = NAMES[language]
    who = dict.fromkeys(each for time in TimeOfLife for each in names_at(language, time).who.values())
    seen: set[str] = set()
    some = {"age": "31", "until": "32", "from": "2015"}
    some |= dict.fromkeys(("year", "month", "day", "hour"), names.pillars[20])
    for table in (table for time in TimeOfLife for table in CORPORA[language, time].values()):
        for text in (each for variants in table.values() for each in variants):
            known = template.compiled(text)
            if not known.slots or text in seen:
                continue
            seen.add(text)
            fixed = {name for name, _ in known.words} - set(known.slots)
            assert fixed <= FIXED
            slots = {name: some[name] for name in known.slots}
            if "pillar" in fixed:
                yield from ((text, {**slots, "pillar": each}) for each in names.pillars)
            elif "who" in fixed:
                yield from ((text, {**slots, "who": each}) for each in who)
            else:
                yield text, slots


def form_of(text: str, words: dict[str, str]) -> Form:
    found, values = template.form_of(text, words)
    assert found is not None, text
    assert filled(found.pieces, values) == template.filled(text, words)
    return found


def forms(language: ReadingLanguage) -> list[Form]:
    return [form_of(*each) for each in slotted(language)]


def same(form: Form, values: list[str]) -> None:
    """The sentence with these values says to the extractor what the form says."""
    text = filled(form.pieces, values)
    assert form.claims(values) == claims.__wrapped__(text), text


def drawn(form: Form, draw: random.Random) -> list[str]:
    """Any values, each for itself."""
    return [draw.choice(VALUES[slot]) for slot in form.slots]


@pytest.mark.parametrize("language", [KO, EN])
def test_every_form_is_learned_and_holds_for_drawn_values(language: ReadingLanguage) -> None:
    draw = random.Random(12)
    found = forms(language)
    assert len(found) > 1_000
    for form in found:
        same(form, drawn(form, draw))


@pytest.mark.slow
@pytest.mark.parametrize("language", [KO, EN])
def test_each_form_holds_for_every_value_of_every_slot(language: ReadingLanguage) -> None:
    """One slot after another through all that fits it, while drawn values rest in the others."""
    draw = random.Random(5)
    for form in forms(language):
        rest = drawn(form, draw)
        for at, slot in enumerate(form.slots):
            for value in VALUES[slot]:
                same(form, [*rest[:at], value, *rest[at + 1 :]])


@pytest.mark.slow
@pytest.mark.parametrize("language", [KO, EN])
def test_forms_hold_for_values_drawn_together(language: ReadingLanguage) -> None:
    draw = random.Random(6)
    found = forms(language)
    for _ in range(60_000):
        form = draw.choice(found)
        same(form, drawn(form, draw))


@pytest.mark.slow
@pytest.mark.parametrize("language", [KO, EN])
def test_openings_hold_for_any_two_neighbours(language: ReadingLanguage) -> None:
    """Every pair of pillars in each two slots beside one another."""
    names = NAMES[language].pillars
    for text, words in slotted(language):
        places = [each for each in ("year", "month", "day", "hour") if each in words]
        for first, second in pairwise(places):
            for a in names:
                for b in names:
                    form, values = template.form_of(text, {**words, first: a, second: b})
                    assert form is not None
                    same(form, list(values))


def test_what_does_not_fit_has_no_form() -> None:
    (text, words), *_ = [each for each in slotted(KO) if "age" in each[1]]
    for age in ("3.25", "131", "07", "", "열"):
        assert not fits(Slot.AGE, age)
        assert template.form_of(text, {**words, "age": age}) == (None, ())
    assert not fits(Slot.YEAR, "1799")
    assert not fits(Slot.HANGUL, "갑축")


def test_a_text_whose_claims_do_not_follow_from_its_slots_has_no_form() -> None:
    assert learned(("지금 ", "0세에 을축 대운입니다."), (Slot.AGE,)) is None  # 130세: not the slot's number
    assert learned(("지금 ", "세에 을축 대운입니다."), (Slot.AGE,)) is not None


def test_lines_claim_what_their_sentences_say() -> None:
    for language in (KO, EN):
        options = ReadingOptions(language=language, length=ReadingLength.LONG)
        lines = [
            line
            for each in random_charts(60, seed=31)
            for part in written(each, options)
            for line in part.lines
        ]
        assert sum(isinstance(line, FormedLine) for line in lines) > 60 * 10
        for line in lines:
            assert line.claims == claims(line.sentence.text)
