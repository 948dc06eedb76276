"""Whether a sentence of a model can be shown at all, whatever it says of the chart.

A weak model drifts into another language, repeats itself, speaks of itself, promises riches or names an illness. Each
of these is a *fault* with a name; a sentence without one may still contradict the chart, which is for
`hypercube.saju.grounding` to say. The rules look at one sentence and at nothing else but those said before it.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

from hypercube.core.reading import ReadingLanguage

_SHORTEST: Final = 6
_LONGEST: Final = {ReadingLanguage.KO: 240, ReadingLanguage.EN: 400}
"""Characters of a sentence; one that is longer has lost its thread."""
_MARKUP: Final = re.compile(r"```|[{}<>|\\]|\[/?[A-Z_]+\]|^#|https?://|={3,}|_{3,}")
_BULLET: Final = re.compile(r"^(?:[-*•·▪▶]+|\d{1,2}[.)]|[가나다라마][.)])\s+")
_EMPHASIS: Final = re.compile(r"\*\*|__|^[\"'“”‘’]+(?=[^\"'“”‘’]+$)")
_LABEL: Final = re.compile(r"^[^.!?。]{0,40}[:：]$")
_FINISHED: Final = re.compile(r"[.!?。！？…]+[\"'”’)\]]*$")
_POLITE: Final = re.compile(r"(?:니다|니까|요|죠|시오|세요)[.!?…]+[\"'”’)\]]*$")
_JAMO: Final = re.compile(r"[ㄱ-ㅎㅏ-ㅣᄀ-ᇿ]")
_LATIN: Final = re.compile(r"[A-Za-zÀ-ɏ]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_SCRIPTS: Final = ("LATIN", "HANGUL", "CJK", "DIGIT", "FULLWIDTH", "IDEOGRAPHIC")
_SELF: Final = re.compile(
    r"인공지능|언어 ?모델|\bAI\b|챗봇|프롬프트|시스템 ?메시지|지시(?:사항|문|를|에 따)|사용자(?:가|의|님|께)"
    r"|죄송(?:합니다|하지만|해요)|도와 ?드릴|도움이 필요하(?:시면|면|신)|질문(?:에 답|해 주|이 있)"
    r"|(?:주어진|제공된|제시된|위의|아래의?|다음) ?(?:문장|사실|내용|정보|글)"
    r"|다시 ?(?:써|작성|쓰)|요약하(?:면|자면)|번역하|수정된|문장으로"
    r"|\b(?:language model|as an ai|prompt|instructions?|the user|system message|i(?:'m| am) sorry|i cannot|i can't"
    r"|(?:given|provided|above|following) (?:facts?|sentences?|text|information)|here (?:is|are)|rewritten"
    r"|let me know)\b|^(?:certainly|sure)\b",
    re.IGNORECASE,
)
_PROMISE: Final = re.compile(
    r"반드시|틀림없이|무조건|100 ?%|확실히 .*(?:됩니다|할 것)|운명입니다|정해져 있|죽(?:습|을|게|음)|사망|단명"
    r"|암(?:에|이|을) |질환|질병|진단|치료|수술|우울증|당뇨|고혈압|부자가 (?:됩|될|되)|보장|이혼|불행(?:합|해|이)"
    r"|망합|망할|대박|복권|로또|저주|굿을|부적"
    r"|\b(?:doomed|fated|destined to|cancer|diabetes|depression|diagnos\w+|disease|surgery|cure[ds]?|guarantee\w*"
    r"|will (?:die|be rich|get rich|certainly|definitely)|divorce[ds]?|curse[ds]?|lottery|certain to)\b",
    re.IGNORECASE,
)
_ECHO: Final = 3
"""How often the same three words in a row may stand in a sentence: less than this."""
_WORDY: Final = 6
"""Words of a sentence from which half of them must differ."""
_LIKE: Final = 0.8
"""Share of common runs of letters from which a sentence says again what was said."""


def cleaned(text: str) -> str:
    """A sentence without the marks of a list or of emphasis around it."""
    shown = _BULLET.sub("", unicodedata.normalize("NFC", text).strip())
    return re.sub(r"\s+", " ", _EMPHASIS.sub("", shown)).strip()


def fault(text: str, language: ReadingLanguage, known: Collection[str], *, strict: bool) -> str:
    """What keeps a sentence back; empty if nothing does.

    Args:
        text: a sentence, cleaned.
        language: that it should be written in.
        known: words and Han characters that the material has and the language has not: 戊, MBTI.
        strict: for a reading, which has one register and no foreign words but those of the material.
    """
    if not text or _MARKUP.search(text) or _LABEL.match(text):
        return "markup"
    if not _FINISHED.search(text):
        return "unfinished"
    if not _SHORTEST <= len(text) <= _LONGEST[language]:
        return "length"
    if not _in_language(text, language, known, strict=strict):
        return "language"
    if strict and language is ReadingLanguage.KO and not _POLITE.search(text):
        return "register"
    if _SELF.search(text):
        return "about itself"
    if _PROMISE.search(text):
        return "promise"
    if _echoes(text):
        return "repetition"
    return ""


def said_before(text: str, before: Sequence[frozenset[str]]) -> bool:
    """Whether nearly the same was said; `before` are `runs` of sentences."""
    own = runs(text)
    return any(len(own & each) >= _LIKE * min(len(own), len(each)) for each in before if each)


def pairs(text: str) -> frozenset[str]:
    """Its pairs of neighbouring letters, without spaces and marks."""
    return _windows(text, 2)


def runs(text: str) -> frozenset[str]:
    """Its runs of letters, long enough that two sentences with another sense share few."""
    return _windows(text, 6 if text.isascii() or not re.search("[가-힣]", text) else 2)


def _windows(text: str, length: int) -> frozenset[str]:
    letters = "".join(each for each in text.casefold() if each.isalnum())
    return frozenset(letters[at : at + length] for at in range(len(letters) - length + 1))


def _in_language(text: str, language: ReadingLanguage, known: Collection[str], *, strict: bool) -> bool:
    letters = [each for each in text if each.isalpha()]
    if not letters or "\ufffd" in text or _JAMO.search(text):
        return False
    if any(unicodedata.category(each) in ("Cc", "Co", "Cn", "Cs", "So", "Mn") for each in text):
        return False
    if not all(unicodedata.name(each, "").startswith(_SCRIPTS) for each in letters):
        return False
    han = _HAN.findall(text)
    if any(each not in known for each in han) and (strict or 4 * len(han) > len(letters)):
        return False
    hangul = sum("가" <= each <= "힣" for each in letters)
    if language is ReadingLanguage.EN:
        return hangul == 0 if strict else 4 * hangul <= len(letters)
    latin = [each for each in _LATIN.findall(text) if each not in known]
    if strict:
        return not latin and 2 * hangul >= len(letters)
    return 2 * hangul >= len(letters)


def _echoes(text: str) -> bool:
    words = text.split()
    runs: dict[tuple[str, ...], int] = {}
    for at in range(len(words) - 1):
        run = tuple(words[at : at + 2])
        runs[run] = runs.get(run, 0) + 1
    letters = re.sub(r"\s", "", text)
    if len(words) >= _WORDY and len(set(words)) <= len(words) // 2:
        return True
    return max(runs.values(), default=0) >= _ECHO or bool(re.search(r"(.{1,12}?)\1{3,}", letters))
