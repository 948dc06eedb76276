"""조후: the stems that the season calls for, by day stem and month branch, in order of choice.

Source: 窮通寶鑑 (欄江網) in the summary that 徐樂吾 appended to his edition (調候用神提要), which is the
table that Korean books on 조후용신 print. The first stem is the first choice. What the text makes depend on
the half of the month, or on what else the chart holds, is not in a table of 120 cells: read the text for it.
"""

from typing import Final

from hypercube.saju.facts.symbols import branches, by_stem, stems

_MONTHS: Final = branches("寅卯辰巳午未申酉戌亥子丑")
_TABLE: Final = """
    甲丙癸/庚丙丁戊己/庚丁壬/癸丁庚/癸丁庚/癸丁庚/庚丁壬/庚丙丁/庚甲丁壬癸/庚丁丙戊/丁庚丙/丁庚丙
    乙丙癸/丙癸/癸丙戊/癸/癸丙/癸丙/丙癸己/癸丙丁/癸辛/丙戊/丙/丙
    丙壬庚/壬己/壬甲/壬庚癸/壬庚/壬庚/壬戊/壬癸/甲壬/甲戊庚壬/壬戊己/壬甲
    丁甲庚/庚甲/甲庚/甲庚/壬庚癸/甲壬庚/甲庚丙戊/甲庚丙戊/甲庚戊/甲庚/甲庚/甲庚
    戊丙甲癸/丙甲癸/甲丙癸/甲丙癸/壬甲丙/癸丙甲/丙癸甲/丙癸/甲丙癸/甲丙/丙甲/丙甲
    己丙庚甲/甲癸丙/丙癸甲/癸丙/癸丙/癸丙/丙癸/丙癸/甲丙癸/丙甲戊/丙甲戊/丙甲戊
    庚戊甲壬丙丁/丁甲庚丙/甲丁壬癸/壬戊丙丁/壬癸/丁甲/丁甲/丁甲丙/甲壬/丁丙/丁甲丙/丙丁甲
    辛己壬庚/壬甲/壬甲/壬甲癸/壬己癸/壬庚甲/壬甲戊/壬甲/壬甲/壬丙/丙戊壬甲/丙壬戊己
    壬庚丙戊/戊辛庚/甲庚/壬辛庚癸/癸庚辛/辛甲/戊丁/甲庚/甲丙/戊丙庚/戊丙/丙丁甲
    癸辛丙/庚辛/丙辛甲/辛/庚壬癸/庚辛壬癸/丁/辛丙/辛甲壬癸/庚辛戊丁/丙辛/丙丁
"""


def _row(text: str) -> tuple[tuple[int, ...], ...]:
    cells = dict(zip(_MONTHS, text.split("/"), strict=True))
    return tuple(stems(cells[branch]) for branch in range(12))


CLIMATE_GODS: Final = tuple(_row(text) for text in by_stem(_TABLE))
"""By day stem 0..9, then by month branch 0..11: one to five stems, first choice first."""
