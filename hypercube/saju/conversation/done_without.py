"""What a birth is done without, when it was asked for and is not told: the hour, the sex, the kind of calendar."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypercube.core.chart import BirthInput, Include, Sex
from hypercube.saju.birth_phrases import BirthDraft, Doubt, Field


def doubts_left(person: BirthDraft, given_up: Sequence[Field]) -> tuple[Doubt, ...]:
    """What is in doubt and cannot be done without."""
    return tuple(each for each in person.doubts if each.field not in given_up)


def unsure_calendar(draft: BirthDraft) -> tuple[Field, ...]:
    """The date, where it was asked of which calendar it is: then it is solar."""
    return (Field.DATE,) if any(each.readings == ("solar", "lunar") for each in draft.doubts) else ()


def birth_of(person: BirthDraft, given_up: Sequence[Field], **extras: Any) -> BirthInput:
    """The birth of a person, done without what is given up.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for what is missing beside that, or in doubt.
    """
    filled = replace(person, others=(), about=None)
    if Field.TIME in given_up:
        kept = doubts_left(person, given_up)
        filled = replace(filled, time=None, time_unknown=True, hour_range=None, doubts=kept)
    if Field.DATE in given_up:
        filled = replace(filled, doubts=doubts_left(filled, given_up))
    guessed = Field.SEX in given_up and person.sex is None
    if guessed:
        filled = replace(filled, sex=Sex.FEMALE)
    birth = filled.birth_input(**extras)
    if guessed:
        birth = replace(birth, sex=None)
    wanted = (Include.FACTS, Include.LUCK, Include.PERIODS) if birth.sex else (Include.FACTS, Include.PERIODS)
    return replace(birth, include=wanted)
