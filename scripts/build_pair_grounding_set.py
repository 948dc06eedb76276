"""Build tests/golden/grounding/pair_rule.tsv: true and corrupted sentences about two people, by rule.

    python scripts/build_pair_grounding_set.py

Each phrase below states one fact of a pair in words of its own, and is written once with the charts' value and once
with another. Relations and ten gods come from the kernels' formulas (`hypercube.kernels.sexagenary`), never from the
checker or the tables it uses. Deterministic: the same files each time. The births of the pairs stand, with those of
the sets written by hand, in pair_births.tsv.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from hypercube.core.chart import Chart
from hypercube.kernels.sexagenary import BRANCH_GOD, BRANCH_RELATIONS, STEM_GOD, STEM_RELATIONS
from hypercube.saju import chart, match
from hypercube.saju.facts.strength import LEVELS
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.reading.josa import with_particle
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

FOLDER: Final = Path(__file__).parent.parent / "tests" / "golden" / "grounding"
PAIRS: Final = 40
ELEMENTS: Final = {"wood": "목", "fire": "화", "earth": "토", "metal": "금", "water": "수"}
COUNTS: Final = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟")
PLACES: Final = {"year": "연", "month": "월", "day": "일", "hour": "시"}
NAMES: Final = {
    "six_combination": "육합",
    "half_triad": "반합",
    "clash": "충",
    "harm": "해",
    "resentment": "원진",
    "ghost_gate": "귀문",
}
ENGLISH: Final = {
    "six_combination": "six combination",
    "half_triad": "half triad",
    "clash": "clash",
    "harm": "harm",
    "resentment": "resentment",
    "ghost_gate": "ghost gate",
}
Fact = tuple[str, str, str]
"""Language, the true sentence, the corrupted one."""


def stem(index: int) -> str:
    """갑목; 신금(辛金) for the stem that a branch shares its name with."""
    sign = STEMS[index]
    return f"{sign.hangul}{ELEMENTS[sign.element]}" + ("(辛金)" if index == 7 else "")


def branch(index: int) -> str:
    """자수; 신금(申金)."""
    sign = BRANCHES[index]
    return f"{sign.hangul}{ELEMENTS[sign.element]}" + ("(申金)" if index == 8 else "")


def other(rng: random.Random, right: int, count: int) -> int:
    """Another number below `count`."""
    return (right + rng.randrange(1, count)) % count


def pillar(found: Chart, position: str) -> int | None:
    """Index of a pillar; None for an unknown hour."""
    each = getattr(found.pillars, position)
    return None if each is None else int(each.index)


def day_masters(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """Who is what."""
    a, b = one.pillars.day.stem.index, two.pillars.day.stem.index
    x, y = other(rng, a, 10), other(rng, b, 10)
    yield (
        "ko",
        f"첫째 분은 {stem(a)} 일간으로, 둘째 분은 {stem(b)} 일간으로 태어났습니다.",
        f"첫째 분은 {stem(x)} 일간으로, 둘째 분은 {stem(b)} 일간으로 태어났습니다.",
    )
    yield (
        "ko",
        f"둘째 분의 일간은 {with_particle(stem(b), '이')} 맞습니다.",
        f"둘째 분의 일간은 {with_particle(stem(y), '이')} 맞습니다.",
    )
    position = rng.choice(["year", "month", "day"])
    right = getattr(two.pillars, position).index
    wrong = other(rng, right, 60)
    place = PLACES[position]
    yield (
        "ko",
        f"상대의 {place}주는 {PILLARS[right].hangul}({PILLARS[right].hanja})입니다.",
        f"상대의 {place}주는 {PILLARS[wrong].hangul}({PILLARS[wrong].hanja})입니다.",
    )


def branches(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """What stands in a place, and what is between the places."""
    for position, place in PLACES.items():
        first, second = pillar(one, position), pillar(two, position)
        if first is None or second is None:
            continue
        a, b = first % 12, second % 12
        wrong = other(rng, b, 12)
        yield (
            "ko",
            f"나의 {place}지는 {branch(a)}, 상대의 {place}지는 {branch(b)}입니다.",
            f"나의 {place}지는 {branch(a)}, 상대의 {place}지는 {branch(wrong)}입니다.",
        )
        held = [key for key in NAMES if BRANCH_RELATIONS[key](a, b)]
        absent = [key for key in NAMES if not BRANCH_RELATIONS[key](a, b)]
        for key in held:
            lie = rng.choice(absent)
            yield (
                "ko",
                f"첫째 분의 {place}지 {with_particle(branch(a), '과')} 둘째 분의 {place}지 {branch(b)} 사이에는 "
                f"{NAMES[key]}의 관계가 있습니다.",
                f"첫째 분의 {place}지 {with_particle(branch(a), '과')} 둘째 분의 {place}지 {branch(b)} 사이에는 "
                f"{NAMES[lie]}의 관계가 있습니다.",
            )
            yield (
                "en",
                f"Between the first person's {position} branch and the second person's {position} branch there is a "
                f"{ENGLISH[key]}.",
                f"Between the first person's {position} branch and the second person's {position} branch there is a "
                f"{ENGLISH[lie]}.",
            )
        if not held:
            lie = rng.choice(absent)
            yield (
                "ko",
                f"두 분의 {place}지에는 {NAMES[lie]}의 관계가 없습니다.",
                f"두 분의 {place}지에는 {NAMES[lie]}의 관계가 있습니다.",
            )


def stems(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """What the day stems are to each other."""
    a, b = one.pillars.day.stem.index, two.pillars.day.stem.index
    for key, name in (("stem_combination", "천간합"), ("stem_clash", "천간충")):
        holds = STEM_RELATIONS[key](a, b)
        said = (
            f"두 분의 일간은 {with_particle(name, '으로')} 이어져 있습니다.",
            f"두 분의 일간은 {with_particle(name, '으로')} 이어져 있지 않습니다.",
        )
        if holds:
            yield ("ko", *said)
        else:
            yield ("ko", f"두 분의 일간 사이에는 {name}의 관계가 없습니다.", said[0])
    steps = (b // 2 - a // 2) % 5
    one_says = {
        1: f"첫째 분의 {with_particle(stem(a), '이')} 둘째 분의 {with_particle(stem(b), '을')} 생하는 사이입니다.",
        2: f"첫째 분의 {with_particle(stem(a), '이')} 둘째 분의 {with_particle(stem(b), '을')} 극하는 사이입니다.",
        3: f"둘째 분의 {with_particle(stem(b), '이')} 첫째 분의 {with_particle(stem(a), '을')} 극하는 사이입니다.",
        4: f"둘째 분의 {with_particle(stem(b), '이')} 첫째 분의 {with_particle(stem(a), '을')} 생하는 사이입니다.",
        0: f"첫째 분의 {with_particle(stem(a), '과')} 둘째 분의 {with_particle(stem(b), '은')} 같은 오행입니다.",
    }
    yield ("ko", one_says[steps], one_says[other(rng, steps, 5)])
    verbs = {
        1: ("first", "feeds"),
        2: ("first", "controls"),
        3: ("second", "controls"),
        4: ("second", "feeds"),
    }
    if steps in verbs:
        wrong = rng.choice([each for each in verbs if each != steps])

        def said_en(step: int) -> str:
            who, verb = verbs[step]
            whom = "second" if who == "first" else "first"
            return f"The {who} person's day master {verb} the {whom} person's day master."

        yield ("en", said_en(steps), said_en(wrong))


def gods(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """What a letter of one is to the other."""
    for viewer, owner, who, whose in ((one, two, "첫째", "둘째"), (two, one, "둘째", "첫째")):
        day = viewer.pillars.day.stem.index
        position = rng.choice(["year", "month", "day"])
        index = getattr(owner.pillars, position).index
        if position != "day" and rng.random() < 0.5:
            letter, part, god = stem(index % 10), "간", int(STEM_GOD[day, index % 10])
        else:
            letter, part, god = branch(index % 12), "지", int(BRANCH_GOD[day, index % 12])
        lie = other(rng, god, 10)
        yield (
            "ko",
            f"{who} 분의 일간에서 보면 {whose} 분의 {PLACES[position]}{part} {with_particle(letter, '은')} "
            f"{TEN_GODS[god].hangul}에 해당합니다.",
            f"{who} 분의 일간에서 보면 {whose} 분의 {PLACES[position]}{part} {with_particle(letter, '은')} "
            f"{TEN_GODS[lie].hangul}에 해당합니다.",
        )


def elements(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """Who lacks what, and who has how much of it."""
    counts = []
    for found in (one, two):
        assert found.facts is not None
        counts.append({each: int(getattr(found.facts.elements.visible, each)) for each in ELEMENTS})
    mine, theirs = counts
    lacking = [each for each in ELEMENTS if not mine[each] and theirs[each]]
    present = [each for each in ELEMENTS if mine[each]]
    for each in lacking:
        name, wrong = ELEMENTS[each], ELEMENTS[rng.choice(present)]
        yield (
            "ko",
            f"첫째 분의 사주에는 {with_particle(name, '이')} 없습니다.",
            f"첫째 분의 사주에는 {with_particle(wrong, '이')} 없습니다.",
        )
        yield (
            "ko",
            f"첫째 분에게 없는 {with_particle(name, '을')} 둘째 분이 채워 줍니다.",
            f"첫째 분에게 없는 {with_particle(wrong, '을')} 둘째 분이 채워 줍니다.",
        )
    each = max(theirs, key=lambda key: theirs[key])
    count = theirs[each]
    lie = count % 6 + 1
    yield (
        "ko",
        f"둘째 분의 글자에는 {with_particle(ELEMENTS[each], '이')} {COUNTS[count]} 개 있습니다.",
        f"둘째 분의 글자에는 {with_particle(ELEMENTS[each], '이')} {COUNTS[lie]} 개 있습니다.",
    )


def whole(one: Chart, two: Chart, rng: random.Random) -> Iterator[Fact]:
    """Strength and the score."""
    assert one.facts is not None
    assert two.facts is not None
    levels = [each.hangul for each in LEVELS]
    a, b = one.facts.strength.level.hangul, two.facts.strength.level.hangul
    lie = rng.choice([each for each in levels if each not in a and a not in each])
    yield (
        "ko",
        f"첫째 분은 {a}, 둘째 분은 {b}에 가깝습니다.",
        f"첫째 분은 {lie}, 둘째 분은 {b}에 가깝습니다.",
    )
    score = match(one, two).score
    wrong = score + rng.choice([-30, -7, 9, 40])
    yield ("ko", f"모두 더한 점수는 {score}점입니다.", f"모두 더한 점수는 {wrong}점입니다.")


MAKERS: Final[tuple[Callable[[Chart, Chart, random.Random], Iterator[Fact]], ...]] = (
    day_masters,
    branches,
    stems,
    gods,
    elements,
    whole,
)


def births(rng: random.Random) -> list[str]:
    """Fields of a birth: text, sex, place."""
    born = f"{rng.randint(1940, 2008)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
    if rng.random() < 8 / 9:
        born += f"T{rng.randint(0, 22):02}:{rng.randint(0, 59):02}"
    return [born, rng.choice(["male", "female"]), ""]


def charted(fields: list[str]) -> Chart:
    """The chart of a line's half."""
    options: dict[str, Any] = {"sex": fields[1], "place": fields[2] or None, "include": ("facts",), "fold": 0}
    return chart(fields[0], **options)


def main() -> None:
    """Write both files."""
    rng = random.Random(20261127)
    known = (FOLDER / "pair_births.tsv").read_text(encoding="utf-8").splitlines()
    by_hand = [line for line in known if not line.startswith("r")]
    lines, rows = list(by_hand), []
    for number in range(PAIRS):
        fields = [*births(rng), *births(rng)]
        lines.append("\t".join([f"r{number}", *fields]))
        one, two = charted(fields[:3]), charted(fields[3:])
        for make in MAKERS:
            for language, right, wrong in make(one, two, rng):
                rows += [f"r{number}\t{language}\tt\t{right}", f"r{number}\t{language}\tf\t{wrong}"]
    (FOLDER / "pair_births.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (FOLDER / "pair_rule.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{len(rows)} sentences")


if __name__ == "__main__":
    main()
