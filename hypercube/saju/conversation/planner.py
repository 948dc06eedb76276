"""What a turn asks: of the reading, of the facts, of a year, of two people; or nothing that takes a chart."""

import datetime as dt
import re
from collections.abc import Sequence, Set
from typing import Final

from hypercube.core.reading import ReadingAudience, ReadingLength, ReadingSection
from hypercube.saju.birth_phrases import BirthDraft
from hypercube.saju.conversation import words
from hypercube.saju.conversation.ages_asked import ages, asks_when
from hypercube.saju.conversation.asked import Asked, FactQuestion, FactTopic
from hypercube.saju.conversation.beyond import BY_KEY, CRISIS, beyond
from hypercube.saju.conversation.details import details
from hypercube.saju.conversation.homonyms import without_homonyms
from hypercube.saju.conversation.meanings import asks_meaning
from hypercube.saju.conversation.moments import days, without_dates
from hypercube.saju.conversation.whom import without_names
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR

LONGEST: Final = 4_000
"""Characters of a turn that are read: its beginning, and as many of its end."""
SMALL_TALK: Final = 24
"""Characters of a turn that says hardly anything."""
MOST_YEARS: Final = 3
ZODIAC_MATCH: Final = "zodiac_match"
_NOT_ASKED: Final = {
    "lifespan": FactTopic.AGE,
    ZODIAC_MATCH: FactTopic.ZODIAC,
    "zodiac_luck": FactTopic.ZODIAC,
}
_NO_SECTION: Final = {"whom_to_avoid": ReadingSection.ADVICE}
"""What a word says only as a part of something that is not judged."""
_TRAVEL: Final = "역마살"
_RELATIVE: Final = (
    (re.compile(r"내후년|\bthe year after next\b", re.IGNORECASE), 2),
    (re.compile(r"내년|명년|다음 ?해|\bnext year\b", re.IGNORECASE), 1),
    (re.compile(r"재작년|\bthe year before last\b", re.IGNORECASE), -2),
    (re.compile(r"(?<!재)작년|지난 ?해|\blast year\b", re.IGNORECASE), -1),
)
_NEXT_MONTH: Final = re.compile(r"다음 ?달|내달(?=에|은|의|\s|$)|\bnext month\b", re.IGNORECASE)
"""Everyday language, so it asks only beside a word that makes it a question about a fate, or alone."""
_MONTH_ALONE: Final = re.compile(
    r"^\s*(?:(?:그럼|그러면|and|what about|how about|how is) ?)?(?:다음 ?달|내달|next month)"
    r"(?:은|는)?(?:요)?\s*[?？]?\s*$",
    re.IGNORECASE,
)
_OF_BIRTH: Final = (
    r"(?!\s*(?:도|에)?\s*(?:생|태생|출생|에\s*(?:태어|났)|음력|양력|윤|\d{1,2}\s*[월.]|"
    r"[일이삼사오육칠팔구십]+월))"
)
_KOREAN_YEAR: Final = re.compile(rf"(?<!\d)((?:1[89]|2[01])\d\d|[0-9]{{2}})\s*년{_OF_BIRTH}")
_ENGLISH_YEAR: Final = re.compile(r"(?<!\d)(?<![-/.])(20\d\d|19\d\d)(?!\s*년|[-/.]\d|\d)", re.IGNORECASE)
_ABOUT_YEAR: Final = re.compile(
    r"(?:\b(?:in|for|about|of|during|will|year|and|or|my|is|does|was|than)|\b(?:how|what)(?:'?s)?)\s+$",
    re.IGNORECASE,
)
_YEAR_ASKED: Final = re.compile(
    r"(?<![\d.:/-])(20\d\d)(?= ?(?:은|는|엔|에는|운|도 ?어|의 ?운|어때|vs\b|(?:fortune|luck|reading|forecast)\b))"
    r"|^\W*(?:(?:그럼|그러면|그리고|and|so|then)\W+)?(20\d\d)(?:요|여)?\W*$",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"[.!?\n]+")


def planned(
    text: str,
    today: dt.date,
    *,
    birth_years: frozenset[int] = frozenset(),
    known: Sequence[BirthDraft] = (),
) -> Asked:
    """What a turn asks.

    Args:
        text: what the user wrote.
        today: the day that counts as now.
        birth_years: years that a turn names because somebody was born in them.
        known: people of the conversation; a word for one of them says of whom is asked, not what.
    """
    read = text if len(text) <= 2 * LONGEST else f"{text[:LONGEST]}\n{text[-LONGEST:]}"
    not_judged = beyond(read)
    together = bool(words.TOGETHER.search(read)) and ZODIAC_MATCH not in not_judged
    ordinary = bool(words.ORDINARY.search(read)) and not words.OF_THE_FIELD.search(read)
    # Whatever else a turn asks for, and however everyday it is: a crisis comes first.
    if CRISIS in not_judged:
        return Asked(beyond=not_judged)
    if ordinary:
        return Asked()
    if not together:
        read = without_names(read, known)
    of_days, of_ages = days(read, today), ages(read)
    facts = _of_days(_facts(without_homonyms(read), not_judged), read, of_days)
    if facts and all(each.topic is FactTopic.PERIODS for each in facts) and of_days == (today,):
        of_days = ()
    every_year = tuple(each for each in _years(without_dates(read), today) if each not in birth_years)
    years = tuple(each for each in every_year if each != today.year)
    next_month = _of_next_month(read)
    offered = {fact for key in not_judged for fact in BY_KEY[key].facts}
    sections = _sections(read, facts, years, this_year=today.year in every_year, offered=offered)
    if words.ABROAD.search(read) and words.FATE.search(read):
        facts = (*facts, FactQuestion(FactTopic.SINSAL, _TRAVEL))
        sections = (ReadingSection.WORK,)
    if of_days and not words.AROUND_NOW.search(read):
        sections = tuple(each for each in sections if each is not ReadingSection.NOW)
    if not_judged and not words.STRONG[ReadingSection.LUCK].search(read):
        # 팔자, 미래: said of what is not judged, and no question for the luck pillars.
        unasked = {ReadingSection.LUCK, *(_NO_SECTION[key] for key in not_judged if key in _NO_SECTION)}
        sections = tuple(each for each in sections if each not in unasked)
    if of_ages or ReadingSection.LUCK in sections:
        facts = tuple(each for each in facts if each != FactQuestion(FactTopic.LUCK))
    if of_ages:
        sections = tuple(each for each in sections if each is not ReadingSection.LUCK)
    if together and ReadingSection.NOW in sections:
        years = (today.year, *years)
    birth = bool(words.BIRTH_TOLD.search(read)) and not facts
    nothing = not (sections or facts or years or next_month or together or of_days or of_ages or birth)
    return Asked(
        sections=() if together and not facts else sections,
        facts=facts,
        years=years,
        next_month=next_month,
        whole=bool(words.WHOLE.search(read)) and nothing,
        together=together,
        days=of_days,
        ages=of_ages,
        when=bool(sections) and "lifespan" not in not_judged and asks_when(read),
        birth=birth,
        meaning=bool(facts) and (FactQuestion(FactTopic.CHILDREN) in facts or asks_meaning(read)),
        beyond=not_judged,
        length=_length(read),
        audience=ReadingAudience.BEGINNER if words.BEGINNER.search(read) else ReadingAudience.GENERAL,
    )


def _length(text: str) -> ReadingLength:
    if words.LONG.search(text):
        return ReadingLength.LONG
    return ReadingLength.SHORT if words.SHORT.search(text) else ReadingLength.NORMAL


def _facts(text: str, not_judged: Sequence[str]) -> tuple[FactQuestion, ...]:
    found = [fact for key in not_judged for fact in BY_KEY[key].facts]
    unasked = {_NOT_ASKED[key] for key in not_judged if key in _NOT_ASKED}
    for topic in FactTopic:
        if any(each.topic is topic for each in found) or topic in unasked:
            continue
        detail = details(topic, text)
        if detail is not None:
            found += [FactQuestion(topic, each) for each in detail]
        elif words.FACTS[topic].search(text):
            found.append(FactQuestion(topic))
    return _without_shadows(tuple(found))


def _of_days(
    facts: tuple[FactQuestion, ...], text: str, of_days: Sequence[dt.date]
) -> tuple[FactQuestion, ...]:
    """Without the day's pillar where that day's fortune is asked for, which names it."""
    day = FactQuestion(FactTopic.PERIODS, "day")
    if day not in facts or not of_days:
        return facts
    one = len(of_days) == 1 and "오늘" in text and not words.FORTUNE.search(text)
    return facts if one else tuple(each for each in facts if each != day)


def _without_shadows(facts: tuple[FactQuestion, ...]) -> tuple[FactQuestion, ...]:
    """Without what a word says only as a part of another: 납음오행 asks for no elements."""
    topics = {each.topic for each in facts}
    shadowed = {hidden for asked, hides in _SHADOWS.items() if asked in topics for hidden in hides}
    return tuple(each for each in facts if each.topic not in shadowed)


_SHADOWS: Final = {
    FactTopic.NAYIN: (FactTopic.ELEMENTS,),
    FactTopic.USEFUL: (FactTopic.ELEMENTS,),
    FactTopic.TWELVE: (FactTopic.SINSAL,),
    FactTopic.STRENGTH: (FactTopic.DAY_STEM,),
    FactTopic.STRUCTURE: (FactTopic.GODS,),
    FactTopic.LUCK: (FactTopic.AGE,),
}


def _sections(
    text: str,
    facts: tuple[FactQuestion, ...],
    years: tuple[int, ...],
    *,
    this_year: bool,
    offered: Set[FactQuestion],
) -> tuple[ReadingSection, ...]:
    fate = bool(words.FATE.search(text) or words.BARE.search(text))
    found = []
    for section in ReadingSection:
        strong, weak = words.STRONG[section], words.WEAK.get(section)
        named = this_year and section is ReadingSection.NOW
        if named or strong.search(text) or (fate and weak is not None and weak.search(text)):
            found.append(section)
    if years:
        found = [each for each in found if each is not ReadingSection.NOW]
    if facts:
        # What is told in the place of a judgement leaves the time that is asked about as it is.
        kept = {ReadingSection.NOW} if offered >= set(facts) else set()
        strongly = [each for each in found if each in kept or words.STRONG[each].search(text)]
        found = strongly
    weakly = ReadingSection.LUCK in found and not words.STRONG[ReadingSection.LUCK].search(text)
    if weakly and (len(found) > 1 or words.WHOLE.search(text)):
        found.remove(ReadingSection.LUCK)
    return tuple(found)


def _years(text: str, today: dt.date) -> tuple[int, ...]:
    found = [today.year + step for pattern, step in _RELATIVE if pattern.search(text)]
    for match in _KOREAN_YEAR.finditer(text):
        year = int(match[1])
        found.append(year if year >= 100 else today.year // 100 * 100 + year)
    for sentence in _SENTENCE.split(text):
        if words.BORN.search(sentence):
            continue
        found += [int(match[1] or match[2]) for match in _YEAR_ASKED.finditer(sentence)]
        found += [
            int(match[1])
            for match in _ENGLISH_YEAR.finditer(sentence)
            if _ABOUT_YEAR.search(sentence[: match.start()])
        ]
    inside = [each for each in dict.fromkeys(found) if FIRST_YEAR <= each < LAST_YEAR]
    return tuple(sorted(inside)[:MOST_YEARS])


def _of_next_month(text: str) -> bool:
    asks = words.FATE.search(text) or words.BARE.search(text) or _MONTH_ALONE.search(text)
    return bool(asks and _NEXT_MONTH.search(text))


def small_talk(text: str) -> bool:
    """Whether a turn is too short, and asks too little, to be a question of its own."""
    return len(text) <= SMALL_TALK and "?" not in text and not words.ORDINARY.search(text)
