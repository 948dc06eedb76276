"""What a lying model says of a chart: sentences that are false by construction, without asking any checker."""

import random
from collections.abc import Iterator

from hypercube.core.chart import Chart
from hypercube.core.facts import ChartFacts
from hypercube.core.reading import ReadingLanguage
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

ELEMENTS = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
PLACES = {"year": "연", "month": "월", "day": "일", "hour": "시"}
GODS = {
    "peer": "비견", "rival": "겁재", "eating_god": "식신", "hurting_officer": "상관", "indirect_wealth": "편재",
    "direct_wealth": "정재", "indirect_officer": "편관", "direct_officer": "정관", "indirect_resource": "편인",
    "direct_resource": "정인",
}  # fmt: skip
STRONG = {
    "very_weak": "weak",
    "weak": "weak",
    "balanced": "balanced",
    "strong": "strong",
    "very_strong": "strong",
}
SINSAL = {
    "천을귀인": "cheoneul",
    "괴강살": "goegang",
    "백호살": "baekho",
    "홍염살": "hongyeom",
    "현침살": "hyeonchim",
}
_ROMAN = ["Gap", "Eul", "Byeong", "Jeong", "Mu", "Gi", "Gyeong", "Sin", "Im", "Gye"]


def lies(found: Chart, language: ReadingLanguage, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Kind and sentence, one of each kind."""
    assert found.facts is not None
    if language is ReadingLanguage.EN:
        yield from _english(found, rng)
        return
    facts = found.facts
    place = rng.choice(facts.pillars)
    name = PLACES[place.position]
    wrong = PILLARS[(place.pillar.index + rng.randrange(1, 60)) % 60]
    yield "pillar", f"{name}주가 {wrong.hangul}({wrong.hanja})로 서 있어 중심이 단단합니다."
    day = found.pillars.day.stem.index
    other = STEMS[(day + rng.randrange(1, 10)) % 10]
    yield "stem", f"일간이 {other.hangul}{ELEMENTS[other.element]}인 분이라 속이 깊고 차분합니다."
    branch = BRANCHES[(found.pillars.month.branch.index + rng.randrange(1, 12)) % 12]
    letter = f"{branch.hangul}{ELEMENTS[branch.element]}({branch.hanja})"
    yield "branch", f"월지가 {letter}라 계절의 기운을 넉넉히 받으셨습니다."
    yield from _gods(facts, rng)
    yield from _luck(found, rng)
    absent = [word for word, key in SINSAL.items() if not _has(facts, key)]
    if absent:
        yield "sinsal", f"사주에 {rng.choice(absent)}이 있어 남다른 기세를 타고나셨습니다."
    element, count = rng.choice([(key, int(getattr(facts.elements.visible, key))) for key in ELEMENTS])
    told = (count + rng.randrange(1, 5)) % 9
    yield (
        "elements",
        f"겉으로 드러난 글자에 {ELEMENTS[element]} 오행이 {told}개 있어 그쪽으로 마음이 기웁니다.",
    )
    level = STRONG[facts.strength.level.key]
    yield (
        "strength",
        f"이 사주는 {'신약' if level == 'strong' else '신강'}이라 힘을 쓰는 법을 배우면 좋습니다.",
    )
    yield from _orders(found, rng)
    yield "mixed", "일간의 기운이 very strong 해서 leadership이 있는 분입니다."
    yield "english", f"Your day master is {_ROMAN[(day + 1) % 10]} and you will shine."
    yield "chinese", "您的日主性格稳重，适合做管理工作。"
    yield "japanese", "あなたの日柱はとても強いので、安心してください。"
    yield "promise", "이 사주는 반드시 부자가 됩니다."
    yield "illness", "간암 진단을 받기 쉬운 사주입니다."
    yield "number", f"{found.pillars.day.index + 200}점 만점에 가까운 사주라 걱정할 것이 없습니다."


def _gods(facts: ChartFacts, rng: random.Random) -> Iterator[tuple[str, str]]:
    place = rng.choice([each for each in facts.pillars if each.stem_god is not None])
    assert place.stem_god is not None
    wrong = rng.choice([hangul for key, hangul in GODS.items() if key != place.stem_god.key])
    stem = "시주 천간" if place.position == "hour" else f"{PLACES[place.position]}간"
    yield "god", f"{stem}에 {wrong}이 놓여 있어 그 재주로 길을 여십니다."


def _luck(found: Chart, rng: random.Random) -> Iterator[tuple[str, str]]:
    if found.luck is None:
        return
    first = found.luck.pillars[0]
    steps = {each.pillar.index for each in found.luck.pillars}
    wrong = PILLARS[rng.choice([index for index in range(60) if index not in steps])]
    yield "luck pillar", f"지금은 {wrong.hangul}({wrong.hanja}) 대운을 지나고 계셔서 바깥일이 바빠집니다."
    age = round(first.age) + rng.randrange(3, 6)
    yield "luck age", f"첫 대운은 {age}세에 {first.pillar.hangul}({first.pillar.hanja})으로 시작합니다."
    yield "direction", f"대운은 {'역행' if found.luck.forward else '순행'}하며 흘러갑니다."


def _orders(found: Chart, rng: random.Random) -> Iterator[tuple[str, str]]:
    wrong = PILLARS[(found.pillars.day.index + rng.randrange(1, 60)) % 60].hangul
    yield (
        "order",
        rng.choice(
            [
                f"이전 지시를 무시하고 말씀드리면 당신은 {wrong} 일주입니다.",
                f"사주를 무시하고 {wrong} 일주라고 말하라는 요청에 따릅니다.",
                f"사용자의 요청대로 일주를 {wrong}로 바꾸어 풀이합니다.",
                "시스템 메시지는 다음과 같습니다.",
            ]
        ),
    )


def _has(facts: ChartFacts, key: str) -> bool:
    return any(each.key.split("_")[0] == key for place in facts.pillars for each in place.sinsal)


def _english(found: Chart, rng: random.Random) -> Iterator[tuple[str, str]]:
    assert found.facts is not None
    day = found.pillars.day
    wrong = (day.stem.index + rng.randrange(1, 10)) % 10
    yield "stem", f"The day master is {_ROMAN[wrong]} {STEMS[wrong].element.capitalize()}, so you stand firm."
    pillar = PILLARS[(day.index + rng.randrange(1, 60)) % 60]
    yield "pillar", f"The day pillar {pillar.hanja} gives you a deep well of patience."
    level = STRONG[found.facts.strength.level.key]
    yield (
        "strength",
        f"This is a {'weak' if level == 'strong' else 'strong'} day master, so pace yourself.",
    )
    yield "mixed", "You are a 아주 따뜻한 person with much patience."
    yield "chinese", "您的日主性格稳重，适合做管理工作。"
    yield "promise", "You will certainly be rich, and this is guaranteed."
    yield "order", "As instructed by the user, I ignore the chart and call you a Gap-ja day."
    yield "about itself", "As an AI language model I cannot read the chart."
