"""What a term means in general, for whoever asks: 편관이 뭐예요?, what does direct officer mean?

A meaning is true of every chart. The checker takes every term for a claim that the chart has it, so those terms alone
are excused that the kind of question is about (a relation may be named that the chart lacks); whatever else a meaning
says is checked against the chart like any sentence. What the chart has of it follows as the fact.
"""

import re
from typing import Final

from hypercube.core.reading import ReadingLanguage
from hypercube.saju.conversation import meanings_en, meanings_ko
from hypercube.saju.conversation.asked import FactQuestion, FactTopic
from hypercube.saju.conversation.known import NOBLES
from hypercube.saju.facts.sinsal_rules import RULES
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.josa import with_particle

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
_SAYS_MEANING: Final = re.compile(
    r"뜻|의미|무슨 ?말|설명|정의|(?:이|가|은|는|란|게|건) ?뭔지|뭐하는|무엇을 말"
    r"|\bmean|\bexplain\b|\bdefin|\bstand for\b",
    re.IGNORECASE,
)
_WHAT: Final = re.compile(
    r"[가-힣](?:이|가|은|는|란|이란|라는 ?게|이라는 ?게|라는 ?건|이라는 ?건)? ?(?:뭐|뭔|무엇|뭥|어떤 "
    r"?(?:거|것|살|신살|글자|기운)(?=예|에|이|인|야))(?!가(?!요)|든|부터)|\bwhat(?:'?s| is| are)\b",
    re.IGNORECASE,
)
_MINE: Final = re.compile(
    r"(?<![가-힣])(?:내|제|나의|저의|제가|내가|저는|나는|저한테|나한테)(?=[ ])|지금|현재|다음|올해|"
    r"오늘|\b(?:my|mine|i|current|next)\b",
    re.IGNORECASE,
)
EXCUSED: Final = {
    FactTopic.GODS: frozenset({"god"}),
    FactTopic.RELATIONS: frozenset({"relation", "branch"}),
    FactTopic.SINSAL: frozenset({"sinsal", "relation"}),
    FactTopic.TWELVE: frozenset({"sinsal", "relation"}),
    FactTopic.CHILDREN: frozenset({"god", "sex"}),
}
"""Kinds of mentions of the checker that a meaning may name without a claim, by what it explains."""
_GODS: Final = {KO: meanings_ko.GODS, EN: meanings_en.GODS}
_RELATIONS: Final = {KO: meanings_ko.RELATIONS, EN: meanings_en.RELATIONS}
_PLACES: Final = {KO: meanings_ko.PLACES, EN: meanings_en.PLACES}
_TOPICS: Final = {KO: meanings_ko.TOPICS, EN: meanings_en.TOPICS}
_RULES: Final = {each.name.key: each for each in RULES}


def asks_meaning(text: str) -> bool:
    """Whether a turn asks what the term that it names means, not only what a chart has of it."""
    return bool(_SAYS_MEANING.search(text) or (_WHAT.search(text) and not _MINE.search(text)))


def meaning_said(question: FactQuestion, language: ReadingLanguage) -> str:
    """The meaning of what a question names; empty for a fact that needs none (나이, 띠).

    Args:
        question: the fact asked for.
        language: of the text.
    """
    topic, detail = question.topic, question.detail
    if topic is FactTopic.SINSAL and detail and detail != NOBLES:
        return _sinsal(detail, language)
    if topic is FactTopic.GODS and detail:
        return _GODS[language][detail]
    if topic is FactTopic.RELATIONS and detail:
        return _RELATIONS[language][detail]
    if topic is FactTopic.PILLARS and detail:
        return _PLACES[language][detail]
    if topic in (FactTopic.LUCK, FactTopic.PERIODS) and detail:
        return ""
    return _TOPICS[language].get("nobles" if detail == NOBLES else topic.value, "")


def one_of_twelve(word: str, language: ReadingLanguage) -> str:
    """That a sinsal is one of the twelve, which are told of together."""
    if language is KO:
        return f"{with_particle(word, '은')} 12신살의 하나입니다."
    return f"{word} is one of the twelve sinsal."


def _sinsal(word: str, language: ReadingLanguage) -> str:
    """What is read of a sinsal: what it is found by, how tradition counts it, its picture where it has one."""
    keys = sorted(each for each in lexicon.SINSAL[word] if not each.startswith("twelve."))
    if not keys:
        return f"{one_of_twelve(word, language)} {_TOPICS[language][FactTopic.TWELVE.value]}"
    rules = [_RULES[each] for each in keys]
    base = keys[0].split("_")[0]
    if language is KO:
        return meanings_ko.sinsal(word, rules, base)
    return meanings_en.sinsal(rules[0].name.english.split(" by the ")[0], rules, base)
