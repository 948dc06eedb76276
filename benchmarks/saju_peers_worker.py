"""One peer library in a process of its own, with the standard library alone; `saju_peers` starts it and talks to it.

A line of JSON in, a line out:

    {"births": [[year, month, day, hour, minute, male], ...]}    -> {}          kept, and the caches warmed
    {"pillars": count}     -> {"pillars": [[year, month, day, hour], ...]}      sexagenary indices of the first ones
    {"run": seconds}       -> {"charts": n, "cpu_s": ..., "wall_s": ...}        goes on where the last run ended
"""

import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

STEMS = "甲乙丙丁戊己庚辛壬癸"
BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
Birth = tuple[int, int, int, int, int, int]


def index(name: str) -> int:
    """Sexagenary index of two hanja."""
    stem, branch = STEMS.index(name[0]), BRANCHES.index(name[1])
    return (6 * stem - 5 * branch) % 60


def bazi_chart() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """The whole `BaziChart`: pillars, element powers, strength, pattern, sinsal, ten luck pillars."""
    from bazi import BaziChart  # type: ignore[import-not-found]

    def make(birth: Birth) -> Any:
        year, month, day, hour, minute, male = birth
        gender = "男" if male else "女"
        return BaziChart(year, month, day, hour, minute, gender, None, 9.0, day_rollover="midnight")

    return make, lambda made: [index(name) for name in made.four_pillars.pillar_names]


def bazi_chart_pillars() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """`cast_pillars` alone."""
    from bazi import cast_pillars

    def make(birth: Birth) -> Any:
        gender = "男" if birth[5] else "女"
        return cast_pillars(datetime(*birth[:5]), gender, tz_hours=9.0, day_rollover="midnight")

    return make, lambda made: [index(name) for name in made.pillar_names]


def lunar_python() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """`EightChar` with ten gods, hidden stems, stages, nayin, void and ten luck pillars."""
    from lunar_python import Solar  # type: ignore[import-not-found]

    def make(birth: Birth) -> Any:
        year, month, day, hour, minute, male = birth
        eight = Solar.fromYmdHms(year, month, day, hour, minute, 0).getLunar().getEightChar()
        eight.setSect(2)
        facts = [
            getattr(eight, f"get{position}{fact}")()
            for position in ("Year", "Month", "Day", "Time")
            for fact in ("ShiShenGan", "ShiShenZhi", "HideGan", "DiShi", "NaYin", "XunKong")
        ]
        luck = eight.getYun(male, 2)
        return eight, facts, luck.getStartYear(), [each.getGanZhi() for each in luck.getDaYun(11)]

    return make, lambda made: [
        index(name) for name in (made[0].getYear(), made[0].getMonth(), made[0].getDay(), made[0].getTime())
    ]


def lunar_python_pillars() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """The four pillars of `EightChar` alone."""
    from lunar_python import Solar

    def make(birth: Birth) -> Any:
        eight = Solar.fromYmdHms(*birth[:5], 0).getLunar().getEightChar()
        eight.setSect(2)
        return eight.getYear(), eight.getMonth(), eight.getDay(), eight.getTime()

    return make, lambda made: [index(name) for name in made]


def sxtwl() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """Four pillars: it has no other facts."""
    import sxtwl as library  # type: ignore[import-not-found]

    def make(birth: Birth) -> Any:
        day = library.fromSolar(*birth[:3])
        return day.getYearGZ(False), day.getMonthGZ(), day.getDayGZ(), day.getHourGZ(birth[3], True)

    return make, lambda made: [(6 * each.tg - 5 * each.dz) % 60 for each in made]


def korean_saju() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """`Saju` with every property of `SajuAnalysis`, and `Daewoon`. Longitude 135: the clock as it is."""
    import korean_saju as library  # type: ignore[import-not-found]

    _, terms = library.load_bundled_data()
    genders = (library.Gender.FEMALE, library.Gender.MALE)
    names = (
        "cheon_gan_shipsin",
        "ji_ji_shipsin",
        "sibiunseong",
        "sinsal",
        "sibisinsal",
        "sibisinsal_by_year",
        "jeonggyeok",
        "oegyeok",
        "yongsin",
        "gongmang_by_pillar",
    )

    def make(birth: Birth) -> Any:
        moment = datetime(*birth[:5])
        saju = library.Saju.from_birth(kst_moment=moment, solar_terms=terms, longitude=135.0)
        analysis = library.SajuAnalysis(saju)
        facts = [each() if callable(each := getattr(analysis, name)) else each for name in names]
        luck = library.Daewoon.compute(saju=saju, gender=genders[birth[5]], solar_terms=terms)
        return saju, facts, luck

    return make, lambda made: korean_saju_indices(made[0])


def korean_saju_pillars() -> tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]:
    """`Saju` alone."""
    import korean_saju as library

    _, terms = library.load_bundled_data()

    def make(birth: Birth) -> Any:
        moment = datetime(*birth[:5])
        return library.Saju.from_birth(kst_moment=moment, solar_terms=terms, longitude=135.0)

    return make, korean_saju_indices


def korean_saju_indices(saju: Any) -> list[int]:
    """Sexagenary indices of a `Saju`."""
    found = (saju.year_pillar, saju.month_pillar, saju.day_pillar, saju.hour_pillar)
    return [index(each.cheon_gan.hanja + each.ji_ji.hanja) for each in found]


PEERS: dict[str, tuple[str, Callable[[], tuple[Callable[[Birth], Any], Callable[[Any], list[int]]]]]] = {
    "bazi-chart BaziChart": ("bazi-chart", bazi_chart),
    "bazi-chart cast_pillars": ("bazi-chart", bazi_chart_pillars),
    "lunar-python": ("lunar-python", lunar_python),
    "lunar-python pillars": ("lunar-python", lunar_python_pillars),
    "sxtwl": ("sxtwl", sxtwl),
    "korean-saju": ("korean-saju", korean_saju),
    "korean-saju pillars": ("korean-saju", korean_saju_pillars),
}


def serve(name: str) -> None:
    """Answer until the input ends."""
    package, load = PEERS[name]
    make, pillars = load()
    births: list[Birth] = []
    position = 0
    print(json.dumps({"version": importlib.metadata.version(package)}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if "births" in asked:
            births = [tuple(each) for each in asked["births"]]
            # Libraries that keep the terms of each year have all years of the span once.
            seen = {birth[0]: birth for birth in births}
            for birth in seen.values():
                make(birth)
        elif "pillars" in asked:
            answer["pillars"] = [pillars(make(birth)) for birth in births[: asked["pillars"]]]
        else:
            charts, cpu, wall = 0, time.process_time(), time.perf_counter()
            while (spent := time.perf_counter() - wall) < asked["run"]:
                for _ in range(16):
                    make(births[position])
                    position = (position + 1) % len(births)
                charts += 16
            answer = {"charts": charts, "cpu_s": time.process_time() - cpu, "wall_s": spent}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
