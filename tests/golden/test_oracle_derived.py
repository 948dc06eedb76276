"""Every derived fact of the oracle, compared by index: its spellings are Chinese in places, ours Korean."""

import csv
from pathlib import Path

import numpy as np
import pytest

from hypercube.saju.facts import HiddenStemSet, facts
from hypercube.saju.facts.nayin import NAYIN

ORACLE = Path(__file__).parent / "oracle" / "derived.csv"
STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
GODS = ("比肩", "劫財", "食神", "傷官", "偏財", "正財", "偏官", "正官", "偏印", "正印")
STAGES = ("長生", "沐浴", "冠帶", "臨官", "帝旺", "衰", "病", "死", "墓", "絕", "胎", "養")
SIMPLIFIED = str.maketrans("炉剑锋头涧蜡杨雳长钗钏驿灯旁", "爐劍鋒頭澗蠟楊靂長釵釧驛燈傍")


@pytest.fixture(scope="module")
def records() -> list[dict[str, str]]:
    with ORACLE.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert len(found) > 100
    return found


def pillars(records: list[dict[str, str]]) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.array([[int(r[name]) for name in ("year", "month", "day", "hour")] for r in records], np.uint8)


def codes(text: str, names: "tuple[str, ...] | str") -> list[int]:
    return [names.index(each) for each in text.split("|")]


def stems(text: str) -> list[list[int]]:
    return [[STEMS.index(stem) for stem in each] for each in text.split("|")]


def test_ten_gods_stages_nayin_and_void(records: list[dict[str, str]]) -> None:
    found = facts(pillars(records))
    for i, record in enumerate(records):
        assert found.stem_gods[i, [0, 1, 3]].tolist() == codes(record["ten_gods_stems_ymh"], GODS)
        assert found.branch_gods[i].tolist() == codes(record["ten_gods_branches_ymdh"], GODS)
        assert found.stages[i].tolist() == codes(record["stages_ymdh"], STAGES)
        assert found.void_day[i].tolist() == [BRANCHES.index(branch) for branch in record["void_day"]]
        hanja = [NAYIN[code].hanja for code in found.nayin[i]]
        assert hanja == record["nayin_ymdh"].translate(SIMPLIFIED).split("|")


@pytest.mark.parametrize(
    ("school", "column"),
    [(HiddenStemSet.KOREAN, "hidden_kr_ymdh"), (HiddenStemSet.CHINESE, "hidden_cn_ymdh")],
)
def test_hidden_stems(records: list[dict[str, str]], school: HiddenStemSet, column: str) -> None:
    found = facts(pillars(records), hidden_stems=school)
    for i, record in enumerate(records):
        answer = [[stem for stem in row if stem != 255] for row in found.hidden_stems[i].tolist()]
        assert answer == stems(record[column])
