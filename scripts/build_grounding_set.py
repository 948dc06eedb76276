"""Build tests/golden/grounding/rule.tsv: true and corrupted sentences about charts, by rule.

    python scripts/build_grounding_set.py

Each phrase below states one fact in words of its own, and is written once with the chart's value and once with
another. The values come from the charts, never from the checker. Deterministic: the same file each time.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from hypercube.core.chart import Chart
from hypercube.saju import chart
from hypercube.saju.facts.life_stages import LIFE_STAGES
from hypercube.saju.facts.nayin import NAYIN
from hypercube.saju.facts.strength import LEVELS
from hypercube.saju.facts.structure import STRUCTURES
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

FOLDER = Path(__file__).parent.parent / "tests" / "golden" / "grounding"
CHARTS = 48
AS_OF = "2026-11-27"
ELEMENTS = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
POSITION = {"year": "연", "month": "월", "day": "일", "hour": "시"}
SINSAL = ("천을귀인", "문창귀인", "괴강살", "백호살", "홍염살", "학당귀인", "월덕귀인", "현침살", "태극귀인")
Fact = tuple[str, str, str]
"""Language, the true sentence, the corrupted one."""


def stem(index: int) -> str:
    sign = STEMS[index]
    name = sign.hangul + ELEMENTS[sign.element]
    return name + "(辛金)" if index == 7 else name


def branch(index: int) -> str:
    sign = BRANCHES[index]
    name = sign.hangul + ELEMENTS[sign.element]
    return name + "(申金)" if index == 8 else name


def batchim(word: str) -> bool:
    last = word.split("(")[0][-1]
    return (ord(last) - 0xAC00) % 28 > 0


def facts(found: Chart, rng: random.Random) -> Iterator[Fact]:
    """Every phrase, true and corrupted."""
    for make in (_pillars, _letters, _gods, _chart_wide, _elements, _stars, _bonds, _luck, _now, _english):
        yield from make(found, rng)


def _other(rng: random.Random, right: int, count: int) -> int:
    return (right + rng.randrange(1, count)) % count


def _both(language: str, phrase: str, right: str, wrong: str) -> Fact:
    """A phrase with @ for the value, or @이/가@ for the value and its particle, filled in both ways."""
    return (language, _filled(phrase, right), _filled(phrase, wrong))


def _filled(phrase: str, word: str) -> str:
    def particle(match: re.Match[str]) -> str:
        closed, opened = match.group(1), match.group(2)
        return word + (closed if batchim(word) else opened)

    return re.sub(r"@([가-힣]+)/([가-힣]+)@", particle, phrase).replace("@", word)


def _pillars(found: Chart, rng: random.Random) -> Iterator[Fact]:
    pillars = {"year": found.pillars.year, "month": found.pillars.month, "day": found.pillars.day}
    if found.pillars.hour is not None:
        pillars["hour"] = found.pillars.hour
    for position, pillar in pillars.items():
        wrong = PILLARS[_other(rng, pillar.index, 60)]
        place = f"{POSITION[position]}주"
        phrases: list[str] = [
            f"{place}에는 @이/가@ 놓여 있네요.",
            f"사주를 세우면 {place}는 @입니다.",
            f"특히 {place}인 @을/를@ 눈여겨보셔야 해요.",
        ]
        yield _both("ko", rng.choice(phrases), pillar.hangul, wrong.hangul)
        yield _both(
            "ko",
            f"{place} @의 성질이 강하게 드러납니다.",
            pillar.hanja,
            wrong.hanja,
        )
    right, wrong = found.pillars.day, PILLARS[_other(rng, found.pillars.day.index, 60)]
    yield _both("ko", "@일주 특유의 고집이 있으시죠.", right.hangul, wrong.hangul)


def _letters(found: Chart, rng: random.Random) -> Iterator[Fact]:
    day, month = found.pillars.day.stem.index, found.pillars.month.branch.index
    wrong = _other(rng, day, 10)
    yield _both("ko", "@ 일간이시네요.", stem(day), stem(wrong))
    yield _both(
        "ko",
        "본인을 상징하는 일간이 @이라서/라서@ 성격이 분명합니다.",
        stem(day),
        stem(wrong),
    )
    yield _both("ko", "일간은 @.", STEMS[day].hanja, STEMS[wrong].hanja)
    other = _other(rng, month, 12)
    yield _both("ko", "계절을 정하는 월지가 @입니다.", branch(month), branch(other))
    yield _both(
        "ko",
        "월지의 @이/가@ 사주 전체의 온도를 정합니다.",
        branch(month),
        branch(other),
    )
    own = found.pillars.day.branch.index
    yield _both(
        "ko",
        "앉은 자리인 일지에 @을/를@ 깔고 있습니다.",
        branch(own),
        branch(_other(rng, own, 12)),
    )
    year = found.pillars.year.branch.index
    names = ["쥐", "소", "호랑이", "토끼", "용", "뱀", "말", "양", "원숭이", "닭", "개", "돼지"]
    yield _both("ko", "@띠이신 만큼 활동적이에요.", names[year], names[_other(rng, year, 12)])


def _gods(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    for each in found.facts.pillars:
        short = POSITION[each.position]
        if each.stem_god is not None:
            names = [god.hangul for god in TEN_GODS]
            wrong = names[_other(rng, names.index(each.stem_god.hangul), 10)]
            place = f"{short}간" if each.position != "hour" else "시주 천간"
            yield _both(
                "ko",
                f"{place}에 @이/가@ 투출해 있습니다.",
                each.stem_god.hangul,
                wrong,
            )
            yield _both(
                "ko",
                f"@이/가@ {place}에 자리 잡고 있어서 든든하네요.",
                each.stem_god.hangul,
                wrong,
            )
        names = [god.hangul for god in TEN_GODS]
        wrong = names[_other(rng, names.index(each.branch_god.hangul), 10)]
        yield _both(
            "ko",
            f"{short}지는 십성으로 @에 해당하죠.",
            each.branch_god.hangul,
            wrong,
        )


def _chart_wide(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    level = found.facts.strength.level.hangul
    side = {"극신약": "신약", "신약": "신약", "중화": "중화", "신강": "신강", "극신강": "신강"}
    wrong = rng.choice([each.hangul for each in LEVELS if side[each.hangul] != side[level]])
    yield _both("ko", "힘의 균형을 따져 보면 @에 속합니다.", level, wrong)
    yield _both(
        "ko",
        "강약으로는 @의 명식이라고 볼 수 있어요.",
        level,
        wrong,
    )
    name = found.facts.structure.name.hangul
    others = [each.hangul for each in STRUCTURES[2:] if each.hangul != name]
    yield _both("ko", "격은 @으로/으로@ 잡힙니다.", name, rng.choice(others))
    pair = "".join(sign.hangul for sign in found.facts.void_day)
    known = {found.facts.void_day, found.facts.void_year}
    wrong_pair = rng.choice(
        [
            (BRANCHES[at], BRANCHES[at + 1])
            for at in range(0, 12, 2)
            if (BRANCHES[at], BRANCHES[at + 1]) not in known
        ]
    )
    yield _both(
        "ko",
        "이 사주의 공망은 @입니다.",
        pair,
        "".join(sign.hangul for sign in wrong_pair),
    )
    useful = found.facts.useful_gods.balance
    if useful:
        wrong_element = rng.choice([each for each in ELEMENTS if each not in useful])
        yield _both("ko", "억부로 본 용신은 @입니다.", ELEMENTS[useful[0]], ELEMENTS[wrong_element])
    seasons = {"봄": (2, 3, 4), "여름": (5, 6, 7), "가을": (8, 9, 10), "겨울": (11, 0, 1)}
    right = next(each for each, months in seasons.items() if found.pillars.month.branch.index in months)
    wrong_season = rng.choice([each for each in seasons if each != right])
    yield _both("ko", "@에 태어나셔서 계절의 영향을 많이 받습니다.", right, wrong_season)


def _elements(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    visible = {each: int(getattr(found.facts.elements.visible, each)) for each in ELEMENTS}
    weighted = {each: getattr(found.facts.elements.weighted, each) for each in ELEMENTS}
    element = rng.choice(list(ELEMENTS))
    name = ELEMENTS[element]
    count = visible[element]
    subject = name + ("이" if batchim(name) else "가")
    wrong = (count + rng.randrange(1, 4)) % 6 or 7
    if count and wrong != count:
        yield _both(
            "ko",
            f"글자로 세어 보면 {subject} @개예요.",
            str(count),
            str(wrong),
        )
    missing = [each for each in ELEMENTS if not visible[each]]
    present = [each for each in ELEMENTS if visible[each]]
    if missing:
        yield _both(
            "ko",
            "여덟 글자 안에 @이/가@ 없다는 점이 특징입니다.",
            ELEMENTS[missing[0]],
            ELEMENTS[rng.choice(present)],
        )
    top = max(weighted, key=lambda each: weighted[each])
    low = [
        each for each in ELEMENTS if visible[each] < max(visible.values()) and weighted[each] < weighted[top]
    ]
    yield _both(
        "ko",
        "오행 중에서는 @이/가@ 가장 강하네요.",
        ELEMENTS[top],
        ELEMENTS[rng.choice(low)],
    )
    share = round(weighted[top])
    off = share + rng.choice([-1, 1]) * rng.choice([6, 8, 10])
    if abs(off - 100 * visible[top] / sum(visible.values())) > 2:
        yield _both("ko", f"{ELEMENTS[top]} 기운이 @% 정도를 차지합니다.", str(share), str(off))


def _stars(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    for each in found.facts.pillars:
        place = f"{POSITION[each.position]}주"
        have = {name.hangul for name in each.sinsal}
        right = [name for name in SINSAL if name in have]
        wrong = [name for name in SINSAL if name not in have]
        if right:
            yield _both(
                "ko",
                f"{place}에 @이/가@ 들어와 있어 눈에 띕니다.",
                right[0],
                rng.choice(wrong),
            )
        stages = [stage.hangul for stage in LIFE_STAGES]
        bad = stages[_other(rng, stages.index(each.stage.hangul), 12)]
        yield _both(
            "ko",
            f"{place[0]}지의 12운성은 @입니다.",
            each.stage.hangul,
            bad,
        )
        nayins = [name.hangul for name in NAYIN]
        yield _both(
            "ko",
            f"{place}의 납음오행은 @이에요/예요@.",
            each.nayin.hangul,
            nayins[_other(rng, nayins.index(each.nayin.hangul), 30)],
        )


def _bonds(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    names = {
        "clash": "충",
        "six_combination": "육합",
        "resentment": "원진",
        "half_triad": "반합",
        "harm": "해",
        "break": "파",
    }
    for relation in found.facts.relations:
        if relation.kind.key not in names or len(relation.positions) != 2:
            continue
        between = {
            each.kind.key for each in found.facts.relations if set(each.positions) == set(relation.positions)
        }
        wrong = [word for key, word in names.items() if key not in between]
        first, second = (f"{POSITION[each]}지" for each in relation.positions)
        yield _both(
            "ko",
            f"{first}와 {second} 사이에 @이/가@ 있어요.",
            names[relation.kind.key],
            rng.choice(wrong),
        )
        if relation.kind.key == "clash":
            letters = "".join(
                BRANCHES["子丑寅卯辰巳午未申酉戌亥".index(each)].hangul for each in relation.letters
            )
            absent = [
                pair for pair in ("자오", "축미", "인신", "묘유", "진술", "사해") if set(pair) != set(letters)
            ]
            there = {sign.hangul for pillar in found.facts.pillars for sign in [pillar.pillar.branch]}
            absent = [pair for pair in absent if not set(pair) <= there]
            yield _both(
                "ko",
                "원국에 @충이 있어 변화가 잦은 편이에요.",
                letters,
                rng.choice(absent),
            )


def _luck(found: Chart, rng: random.Random) -> Iterator[Fact]:
    luck = found.luck
    if luck is None:
        return
    assert found.periods is not None
    now = luck.in_force(found.periods.as_of.date)
    steps = list(luck.pillars)
    names = [each.pillar.hangul for each in steps]
    outside = [pillar.hangul for pillar in PILLARS if pillar.hangul not in names]
    each = rng.choice(steps)
    yield _both(
        "ko",
        f"{each.age:.0f}세가 되면 @ 대운이 열립니다.",
        each.pillar.hangul,
        rng.choice([*outside, *(n for n in names if n != each.pillar.hangul)]),
    )
    yield _both(
        "ko",
        f"@세부터 {each.pillar.hangul} 대운으로 넘어갑니다.",
        f"{each.age:.0f}",
        f"{each.age + rng.choice([3, 4, 5, 6]):.0f}",
    )
    yield _both(
        "ko",
        f"@년부터 {each.pillar.hangul} 대운이 시작되지요.",
        each.start_date[:4],
        str(int(each.start_date[:4]) + rng.choice([-4, -2, 2, 5])),
    )
    yield _both(
        "ko",
        "대운의 흐름은 @입니다.",
        "순행" if luck.forward else "역행",
        "역행" if luck.forward else "순행",
    )
    if now is not None:
        wrong = rng.choice([name for name in names if name != now.pillar.hangul])
        yield _both("ko", "지금 머물고 계신 대운은 @ 대운입니다.", now.pillar.hangul, wrong)
        yield _both("ko", "현재 @ 대운의 영향을 받고 있어요.", now.pillar.hangul, wrong)


def _now(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.periods is not None
    year, month = found.periods.year.pillar, found.periods.month.pillar
    yield _both(
        "ko",
        "올해는 @년이라 움직임이 많습니다.",
        year.hangul,
        PILLARS[_other(rng, year.index, 60)].hangul,
    )
    yield _both(
        "ko",
        "이번 달 @월에는 속도를 조절하세요.",
        month.hangul,
        PILLARS[_other(rng, month.index, 60)].hangul,
    )
    civil = rng.randrange(2000, 2040)
    right = PILLARS[(civil - 4) % 60]
    yield _both(
        "ko",
        f"{civil}년 @년을 기억해 두세요.",
        right.hangul,
        PILLARS[_other(rng, right.index, 60)].hangul,
    )


def _english(found: Chart, rng: random.Random) -> Iterator[Fact]:
    assert found.facts is not None
    assert found.periods is not None
    for each in found.facts.pillars:
        wrong = PILLARS[_other(rng, each.pillar.index, 60)]
        yield _both(
            "en",
            f"The {each.position} pillar of this chart is @.",
            each.pillar.hanja,
            wrong.hanja,
        )
        gods = [god.english for god in TEN_GODS]
        bad = gods[_other(rng, gods.index(each.branch_god.english), 10)]
        yield _both(
            "en",
            f"The {each.position} branch carries the @, which colours that part of life.",
            each.branch_god.english,
            bad,
        )
    romans = ["Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui"]
    day = found.pillars.day.stem.index
    names = [f"{romans[at]} {STEMS[at].element.capitalize()}" for at in range(10)]
    yield _both("en", "Your day master, @, sets the tone.", names[day], names[_other(rng, day, 10)])
    visible = {each: getattr(found.facts.elements.visible, each) for each in ELEMENTS}
    missing = [each for each in ELEMENTS if not visible[each]]
    if missing:
        present = [each for each in ELEMENTS if visible[each]]
        yield _both(
            "en",
            "The chart has no @ on the surface.",
            missing[0].capitalize(),
            rng.choice(present).capitalize(),
        )
    year = found.periods.year.pillar
    yield _both(
        "en",
        "This year's pillar is @, so keep moving.",
        year.hanja,
        PILLARS[_other(rng, year.index, 60)].hanja,
    )


def _birth(rng: random.Random, at: int) -> dict[str, str]:
    day = f"{rng.randint(1930, 2012)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    hour = "" if at % 8 == 7 else f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
    return {"birth": day + hour, "sex": rng.choice(["male", "female"])}


def main() -> None:
    rng = random.Random(20261127)
    rows, births = [], []
    for at in range(CHARTS):
        birth = _birth(rng, at)
        births.append(f"r{at}\t{birth['birth']}\t{birth['sex']}\t\t{AS_OF}")
        found = chart(birth["birth"], sex=birth["sex"], include=("facts", "luck", "periods"), as_of=AS_OF)
        for language, right, wrong in facts(found, rng):
            rows += [f"r{at}\t{language}\tt\t{right}", f"r{at}\t{language}\tf\t{wrong}"]
    births += [
        f"a\t1990-05-03T07:20\tfemale\t서울\t{AS_OF}",
        f"b\t1988-07-15\tfemale\t\t{AS_OF}",
        f"c\t1985-11-20T14:30\tmale\t부산\t{AS_OF}",
    ]
    (FOLDER / "rule.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (FOLDER / "charts.tsv").write_text("\n".join(births) + "\n", encoding="utf-8")
    print(f"{len(rows)} sentences of {CHARTS} charts")


if __name__ == "__main__":
    main()
