"""The oracle's derived facts and luck pillars through the one path that everybody uses: `charts` with `include`."""

import csv
from pathlib import Path

from hypercube.core.chart import BirthInput, Chart, Include, Sex, TimeBasis
from hypercube.core.schools import HiddenStemSet
from hypercube.saju import charts

ORACLE = Path(__file__).parent / "oracle"
GODS = ("比肩", "劫財", "食神", "傷官", "偏財", "正財", "偏官", "正官", "偏印", "正印")
STAGES = ("長生", "沐浴", "冠帶", "臨官", "帝旺", "衰", "病", "死", "墓", "絕", "胎", "養")
STAGE_HANJA = ("長生", "沐浴", "冠帶", "建祿", "帝旺", "衰", "病", "死", "墓", "絶", "胎", "養")
SIMPLIFIED = str.maketrans("炉剑锋头涧蜡杨雳长钗钏驿灯旁", "爐劍鋒頭澗蠟楊靂長釵釧驛燈傍")


def read(name: str) -> list[dict[str, str]]:
    with (ORACLE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def computed(births: list[BirthInput]) -> list[Chart]:
    found = [result.chart for result in charts(births)]
    assert None not in found
    return [each for each in found if each is not None]


def facts_row(made: Chart) -> tuple[str, ...]:
    """A chart's facts in the oracle's spelling."""
    assert made.facts is not None
    pillars = made.facts.pillars
    stems = [each.stem_god.hanja for each in pillars if each.stem_god is not None]
    return (
        "|".join(stems),
        "|".join(each.branch_god.hanja for each in pillars),
        "|".join("".join(hidden.stem.hanja for hidden in each.hidden_stems) for each in pillars),
        "|".join(STAGES[STAGE_HANJA.index(each.stage.hanja)] for each in pillars),
        "|".join(each.nayin.hanja for each in pillars),
        "".join(sign.hanja for sign in made.facts.void_day),
    )


def test_every_derived_fact() -> None:
    records = read("derived.csv")
    assert len(records) > 100
    for school, column in (
        (HiddenStemSet.KOREAN, "hidden_kr_ymdh"),
        (HiddenStemSet.CHINESE, "hidden_cn_ymdh"),
    ):
        made = computed(
            [
                BirthInput(
                    record["local"],
                    fold=int(record["fold"]),
                    time_basis=TimeBasis.CIVIL,
                    include=(Include.FACTS,),
                    hidden_stems=school,
                )
                for record in records
            ]
        )
        for record, each in zip(records, made, strict=True):
            assert each.pillars.indices() == tuple(int(record[p]) for p in ("year", "month", "day", "hour"))
            assert facts_row(each) == (
                record["ten_gods_stems_ymh"],
                record["ten_gods_branches_ymdh"],
                record[column],
                record["stages_ymdh"],
                record["nayin_ymdh"].translate(SIMPLIFIED),
                record["void_day"],
            ), record["id"]


def test_every_luck_pillar() -> None:
    records = read("luck.csv")
    assert len(records) == 306
    made = computed(
        [
            BirthInput(
                record["local"],
                Sex.MALE if record["gender"] == "M" else Sex.FEMALE,
                fold=int(record["fold"]),
                time_basis=TimeBasis.CIVIL,
                include=(Include.LUCK,),
            )
            for record in records
        ]
    )
    for record, each in zip(records, made, strict=True):
        luck = each.luck
        assert luck is not None
        assert each.instant.utc_seconds == int(record["utc_s"])
        assert (luck.forward, luck.pillars[0].pillar.index, luck.start.rounded) == (
            record["forward"] == "1",
            int(record["first_luck_pillar"]),
            int(record["start_age_round"]),
        )
        assert (luck.start.years, luck.start.months, luck.start.days_over) == tuple(
            int(record[f"start_{unit}"]) for unit in "ymd"
        )
        # The oracle gives five decimals.
        assert abs(luck.start.days - float(record["days_to_jie"])) < 0.6e-5
        assert abs(luck.start.exact - float(record["start_age_exact"])) < 0.6e-5
        assert luck.pillars[0].age == luck.start.rounded


def test_the_periods_in_force_say_what_they_do_to_the_chart() -> None:
    """1990-05-03 07:20 Seoul, 庚午 庚辰 戊辰 乙卯, as of 2026-11-23: luck 甲申, year 丙午, month 己亥, day 辛丑."""
    found = charts(
        [
            BirthInput(
                "1990-05-03T07:20",
                sex=Sex.MALE,
                place="Seoul",
                include=("luck", "periods"),
                as_of="2026-11-23",
            )
        ]
    )[0].chart
    assert found is not None
    said = {(each.kind.key, each.positions, each.letters) for each in found.period_relations}
    passing = {"luck", "this_year", "this_month", "this_day"}
    assert all(len(passing & set(positions)) == 1 for _, positions, _ in said)
    assert ("self_punishment", ("year", "this_year"), "午午") in said
    assert ("stem_clash", ("year", "luck"), "庚甲") in said
    assert ("stem_clash", ("hour", "this_day"), "乙辛") in said
