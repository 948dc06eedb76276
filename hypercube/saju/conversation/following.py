"""Turns that go on with the answer before: the same at more or less length, or the thing named last.

Such a turn consists of nothing but words for that: 아니 좀 더 자세히 말해줘요. A turn that names anything else is a
question of its own. Words are taken away one after the other, which takes time by the length of the turn and no more.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from hypercube.core.reading import ReadingAudience, ReadingLength, ReadingSection
from hypercube.saju.conversation.asked import Asked, FactQuestion, FactTopic
from hypercube.saju.conversation.beyond import GOOD_OR_BAD, WHY
from hypercube.saju.conversation.moments import beside_that

LONGEST: Final = 60
"""Characters of such a turn."""
SHORT: Final = 20
"""Characters of a turn that names a year and nothing else."""
_ONE: Final = re.compile(
    r"(?<![가-힣])(?:내|제|나|저|난|전)(?=[는도의만 ]|$)|\b(?:my|mine|me|i)\b", re.IGNORECASE
)
_LONGER: Final = re.compile(
    r"자세|상세|구체|길게|깊|더 ?(?:알려|말|얘기|이야기|설명|해|없|있|듣|들려|풀)|(?<![가-힣])더(?:요|"
    r"여)?\W*$|계속|이어서|또 ?있|"
    r"\bmore\b|\bdetails?\b|\bdetailed\b|\belaborate\b|\blonger\b|\bgo on\b|\bcontinue\b|\bexpand\b|\bin depth\b",
    re.IGNORECASE,
)
_SHORTER: Final = re.compile(
    r"짧|요약|간단|간략|줄여|한 ?줄|요점|핵심|한마디|너무 ?길|정리|\bshort|\bbrief|\bsummar|"
    r"\btl;?dr\b|\btoo long\b|\bin a nutshell\b",
    re.IGNORECASE,
)
_SIMPLER: Final = re.compile(
    r"쉽게|쉬운 ?말|알기 ?쉽|이해가? ?안|\b(?:simply|simpler|simple (?:words|terms)|plain (?:words|english))\b"
    r"|무슨 ?(?:뜻|말|소리|의미)|뜻이 ?(?:뭐|뭔)|\bwhat (?:does|do) (?:it|that|this) mean\b",
    re.IGNORECASE,
)
"""The same in plainer words, or with what its terms mean."""
_THE_OTHER: Final = re.compile(r"말고|말구|아니라|대신")
"""짧게 말고 길게: what stands behind it is wanted."""
_THANKS: Final = re.compile(
    r"^\W*(?:(?:네|아|오|와|정말|너무|진짜|대단히|oh|ok(?:ay)?|many|great)\W+)*(?:고마|고맙|감사|땡큐|알겠|"
    r"그렇군|그렇구나|오케이"
    r"|thanks?|thank you|i see|got it|ok(?:ay)?)[가-힣 ]{0,10}(?: (?:a lot|so much|very much|you))?\W*$",
    re.IGNORECASE,
)
_FILLER_KO: Final = str.split(
    "조금만 조금 좀더 좀만 좀 더 아니요 아니 너무 길어요 길어서 길어 길다 길게 길네요 길네 기네요 "
    "기네 그것을 그것도 그것만 그것 그거를 그거 그걸 "
    "그게 그건 그럼 그러면 그리고 그냥 그 이거 이걸 이것 이 아까 방금 앞의 앞에 위의 위에 위 답변을 "
    "답변 대답을 대답 답을 답 "
    "내용을 내용만 내용 부분을 부분 말한 말해준 얘기한 자세하게 자세히 자세한 상세하게 상세히 상세한 "
    "구체적으로 구체적인 깊이있게 깊이 깊게 "
    "둘 다 둘다 모두 전부 짧게 짧은 간단하게 간단히 간단 간략하게 간략히 줄여서 줄여 한줄로 한 줄로 "
    "한줄 요점만 핵심만 요점 핵심 한마디로 한마디 요약해서 "
    "요약 정리해서 정리 계속해서 계속 이어서 또 다시 다른 것도 것 거 건 게 걸 로 으로 좀요 요점 "
    "설명을 설명 이야기를 이야기 얘기를 얘기 말씀을 "
    "말씀 말로 말 알려주세요 알려줘요 알려주라 알려줄래 알려줘 알려 해주실 해주세요 해주시겠어요 "
    "해주삼 해줄래요 해줄래 해줘요 해줘 해봐요 해봐 "
    "해 주세요 주실래요 주실 줄래요 줄래 줘요 줘라 줘 주라 주삼 부탁드려요 부탁드립니다 부탁해요 "
    "부탁해 부탁 들려 듣고 싶어요 싶어 싶은데요 싶은데 "
    "들을 수 있을까요 있나요 있어요 있어 없나요 없어요 없어 풀어서 풀어 풀이 써 되나요 될까요 돼요 "
    "네 넵 예 응 어 ㅇㅇ ㅇㅋ 오 와 음 "
    "저 제 내 나 도 만 은 는 을 를 에 대해서 대해 대한 관해 관련 부탁이요 요 여 용 염 욤 ㅎ ㅋ ㅠ ㅜ "
    "ㄱㄱ 하게 해서 하고 하면 한번 번 한 번만 "
    "줄 말고 말구 아니라 대신 쉽게 쉬운 알기 이해가 이해하기 이해 안 가요 돼 무슨 뜻이에요 뜻이야 뜻인가요 뜻인지 "
    "뜻이죠 뜻이 뜻 소리예요 소리야 소리 말이야 말이에요 말인가요 말인지 의미예요 의미야 의미 뭐예요 뭐에요 뭐야 "
    "뭔가요 뭔데 예요 에요 이에요 야 "
    "보다 정도 정도로 주 시 겠 어 까 고 봐 있 재 해라 하라"
)
_FILLER_EN: Final = str.split(
    "more details detail detailed in depth longer shorter short brief briefly summary summarize summarise tldr tl;dr "
    "too long a an the nutshell please pls plz can could would you give me tell say it that this your answer last "
    "about explain elaborate on go continue expand ok okay yes yeah yep no hmm make bit little much and so but i "
    "want to know some version for us of with further keep going even again what else is there "
    "simply simpler simple plain plainly words terms english does do mean means"
)
_TAKEN: Final = re.compile(
    "|".join(
        [re.escape(each) for each in sorted(set(_FILLER_KO), key=len, reverse=True)]
        + [rf"\b{re.escape(each)}\b" for each in sorted(set(_FILLER_EN), key=len, reverse=True)]
        + [r"[^\w가-힣]+"]
    ),
    re.IGNORECASE,
)
_POINTS: Final = re.compile(
    r"^\W*(?:(?:그럼|근데|그래서|혹시|and|so)\W+)?(?:(?:은|는|도|한테도|에게도|의?) )?(?:그거|그게|그것|그건|"
    r"그런 ?거|이거|이게|do i have "
    r"(?:it|that|one|any)|is (?:it|that) in my chart)"
    r"(?:이|가|은|는|도)?\W*(?:(?:저|나|제|내)(?:한테|에게|한텐|게|게도|한테도|한테는| 사주에?도?| 사주에는)?\W*)?"
    r"(?:있|없|몇|어디|많|얼마)?[가-힣]{0,6}\W*$",
    re.IGNORECASE,
)
_POINTED_AT: Final = re.compile(r"있|없|몇|어디|많|얼마|\bi have\b|\bmy chart\b", re.IGNORECASE)
_WHY: Final = re.compile(
    r"^\W*(?:(?:아니|근데|그럼|그건|그게|그거|도대체|대체|음|헐|엥|어|아)\W+)*(?:왜|어째서)(?:요|죠|여|지|냐)?"
    r"(?: ?(?:그래|그런|그렇|이래|이런|안 ?좋|좋(?!아하)|나쁘|나빠|별로)[가-힣]{0,6})?[\Wㅠㅜㅋㅎ]*$"
    r"|^\W*(?:(?:무슨|어떤) ?(?:근거|이유)|근거가? ?(?:뭐|뭔)|뭘? ?보고 ?(?:그래|그렇))[가-힣 ]{0,8}\W*$"
    r"|^\W*(?:(?:but|and|so|ok)\W+)?(?:why|how come|how so|based on what)(?:\W+(?:is that|is it|so|that|not|"
    r"though|is))*\W*$",
    re.IGNORECASE,
)
_JUDGES: Final = re.compile(
    r"^\W*(?:(?:그럼|근데|그래서|혹시|and|so)\W+)?(?:그거|그게|그건|이거|이게|그런 ?거)?(?:이|가|은|는|도)?\W*"
    r"(?:좋은|나쁜|안 ?좋은|괜찮은) ?(?:거|건|것|건가|편)(?!지)[가-힣]{0,4}\W*$"
    r"|^\W*(?:(?:and|so|but)\W+)?(?:is|are) (?:that|it|this|those|they) (?:a )?(?:good|bad|ok(?:ay)?)"
    r"(?: (?:or bad|thing|for me|sign))*\W*$",
    re.IGNORECASE,
)
_ME_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|근데|아니|and|but|what about|how about|then)\W+)*(?:나|저|내|제|난|전|나한테|저한테|"
    r"me|mine)"
    r"(?:는|은|도)?(?:요)?\W*$",
    re.IGNORECASE,
)
_NAMELESS: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|근데|그리고|아니|우리|저희|제|내|and|but|what about|how about|then|my|our)\W+)*"
    r"(?:은|는|도|이?랑은|의 ?경우는?)?(?:요|여)?(?: ?(?:어때|어떤데|어떤가)[가-힣]{0,2})?\W*$",
    re.IGNORECASE,
)
"""What is left of a turn that is a word for a person and nothing else, when that word is taken out: 엄마는?"""
_LEFT: Final = 0


def length_wanted(text: str) -> ReadingLength | None:
    """The length at which a turn wants the answer before once more; None for a turn that asks anything else.

    NORMAL is for one that wants it in plainer words: 쉽게 설명해줘, 그게 무슨 뜻이야?
    """
    if len(text) > LONGEST:
        return None
    longer, shorter = _LONGER.search(text), _SHORTER.search(text)
    simpler = _SIMPLER.search(text)
    if not (longer or shorter or simpler) or len(_TAKEN.sub("", text)) > _LEFT:
        return None
    if simpler and not shorter:
        return ReadingLength.NORMAL
    if longer and shorter and _THE_OTHER.search(text, shorter.end(), longer.start()):
        return ReadingLength.LONG
    return ReadingLength.SHORT if shorter else ReadingLength.LONG


def points_back(text: str) -> bool:
    """Whether a turn asks of the thing named last whether the chart has it: 그거 나한테 있어?"""
    return len(text) <= LONGEST and bool(_POINTS.search(text) and _POINTED_AT.search(text))


def asks_why(text: str) -> bool:
    """Whether a turn asks what the answer before rests on: 왜요?"""
    return len(text) <= SHORT and bool(_WHY.search(text))


def asks_worth(text: str) -> bool:
    """Whether a turn asks if the thing named last is good: 그거 좋은 거야?"""
    return len(text) <= LONGEST and bool(_JUDGES.search(text))


def of_whom_alone(text: str, nameless: str) -> bool:
    """Whether a turn names a person and nothing else, so that the question before is asked of them.

    Args:
        text: what the user wrote.
        nameless: the same without words for people.
    """
    return bool(_ME_ALONE.search(text)) or (text != nameless and bool(_NAMELESS.search(nameless)))


def goes_on(text: str) -> bool:
    """Whether a turn goes on with the one before in any way but by naming a person."""
    return bool(length_wanted(text) or points_back(text) or asks_why(text) or asks_worth(text))


def referred(turns: Sequence[str], nameless: Callable[[str], str] = str) -> int | None:
    """Which turn the last one goes on with; None where the last one stands by itself.

    Args:
        turns: what the user wrote, oldest first; at least one.
        nameless: takes the words for people out of a turn.
    """

    def follows(text: str) -> bool:
        bare = nameless(text)
        return goes_on(bare) or of_whom_alone(text, bare)

    if not follows(turns[-1]):
        return None
    at = len(turns) - 2
    while at >= 0 and (follows(turns[at]) or _THANKS.search(turns[at])):
        at -= 1
    return at if at >= 0 else None


def of_two(asked: Asked, before: Sequence[Asked], text: str, today: dt.date) -> Asked:
    """A year alone, asked after the compatibility of two people, is asked for both: 내년은?

    Args:
        asked: what the last turn asks.
        before: what the turns before it asked, the newest first.
        text: the last turn.
        today: the day that counts as now.
    """
    if len(text) > SHORT or _ONE.search(text) or not _of_a_year(asked):
        return asked
    last = next((each for each in before if each.together or not _of_a_year(each)), None)
    if last is None or not last.together:
        return asked
    return replace(asked, sections=(), years=asked.years or (today.year,), together=True)


def of_that_day(asked: Asked, before: Sequence[Asked], text: str) -> Asked:
    """A day named by its distance from the one asked about before: 그 전날은?

    Args:
        asked: what the last turn asks.
        before: what the turns before it asked, the newest first.
        text: the last turn.
    """
    last = next((each.days for each in before if each.days), ())
    if asked.days or not last:
        return asked
    day = beside_that(text, last[0])
    return asked if day is None else replace(asked, days=(day,), sections=())


def _of_a_year(asked: Asked) -> bool:
    alone = not (asked.facts or asked.next_month or asked.days or asked.ages or asked.together)
    return alone and (asked.sections == (ReadingSection.NOW,) or (bool(asked.years) and not asked.sections))


def once_more(before: Asked, turns: Sequence[str], at: int) -> Asked:
    """What is asked, of the turn that it goes on with.

    Args:
        before: what that turn asked.
        turns: what the user wrote, oldest first.
        at: which of them that turn is.
    """
    wanted = length_wanted(turns[-1])
    if asks_why(turns[-1]):
        return _grounds(before)
    if asks_worth(turns[-1]):
        return Asked(facts=before.facts, meaning=bool(before.facts), beyond=(GOOD_OR_BAD,))
    if wanted is None:
        return replace(before, meaning=False)
    if wanted is ReadingLength.NORMAL:
        return replace(before, audience=ReadingAudience.BEGINNER, meaning=bool(before.facts))
    if wanted is not ReadingLength.LONG:
        return replace(before, length=wanted)
    longer = any(length_wanted(each) is ReadingLength.LONG for each in turns[at + 1 : -1])
    explained = before.meaning and not (before.sections or before.days or before.ages or before.years)
    told = before.length is ReadingLength.LONG or longer or explained
    return replace(before, facts=facts_of(before), length=wanted, meaning=bool(before.facts), exhausted=told)


def _grounds(before: Asked) -> Asked:
    """What an answer rests on: the facts of its sections; of a time that was asked about, all that is read of it."""
    facts = facts_of(before)
    if before.years or before.days or before.ages or before.next_month:
        return replace(before, length=ReadingLength.LONG, sections=(), when=False, beyond=(WHY,))
    return Asked(facts=facts, meaning=bool(facts), together=before.together, beyond=(WHY,))


def facts_of(asked: Asked) -> tuple[FactQuestion, ...]:
    """The facts asked for, and those that the sections asked for are read from."""
    return tuple(
        dict.fromkeys([*asked.facts, *(each for about in asked.sections for each in _RESTS_ON[about])])
    )


_F: Final = FactQuestion
_RESTS_ON: Final = {
    ReadingSection.TEMPER: (_F(FactTopic.DAY_STEM), _F(FactTopic.STRENGTH), _F(FactTopic.ELEMENTS)),
    ReadingSection.WORK: (
        _F(FactTopic.STRUCTURE),
        _F(FactTopic.GODS, "officers"),
        _F(FactTopic.GODS, "output"),
    ),
    ReadingSection.WEALTH: (
        _F(FactTopic.GODS, "wealth"),
        _F(FactTopic.GODS, "output"),
        _F(FactTopic.STRENGTH),
    ),
    ReadingSection.RELATIONSHIPS: (
        _F(FactTopic.PILLARS, "day"),
        _F(FactTopic.GODS, "wealth"),
        _F(FactTopic.GODS, "officers"),
        _F(FactTopic.RELATIONS),
    ),
    ReadingSection.HEALTH: (_F(FactTopic.ELEMENTS), _F(FactTopic.STRENGTH)),
    ReadingSection.LUCK: (_F(FactTopic.LUCK),),
    ReadingSection.NOW: (_F(FactTopic.PERIODS), _F(FactTopic.LUCK, "now")),
    ReadingSection.ADVICE: (_F(FactTopic.USEFUL),),
}
"""The facts that a section is read from: told beside it where it is wanted at length."""
