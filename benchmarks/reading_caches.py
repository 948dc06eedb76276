"""How often a reading finds what earlier readings worked out, and what keeping it costs in memory.

    python -m benchmarks.reading_caches
    python -m benchmarks.reading_caches --charts 2000 --language en

Different charts, each read and checked once, in the order drawn; what is found is counted by the thousand, so that the
last thousand shows what a server that has been up for a while finds. No time is measured.
"""

# ruff: noqa: SLF001 - what is private is what this looks at

import argparse
import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, Final

from benchmarks.reading import births
from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.saju.alone import chart_alone
from hypercube.saju.facts import relation_list
from hypercube.saju.facts.describe import _pillar
from hypercube.saju.grounding import forms, noted
from hypercube.saju.grounding.judged import Judged
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import citing, template
from hypercube.saju.reading.book import CORPORA, Book, book
from hypercube.saju.reading.naming import NAMES
from hypercube.saju.reading.writer import Writer, manner

_THOUSAND: Final = 1_000
_SHARED: Final = (type, ModuleType, FunctionType, BuiltinFunctionType)
_LRU: Final[dict[str, Any]] = {
    "form": template._form,
    "word of a form": template._parts,
    "pillar's facts": _pillar,
    "pair of pillars": relation_list._related,
}


def counted(owner: type, name: str, key: Callable[..., str | None], into: Counter[str]) -> None:
    """Count the calls of a method, under what `key` makes of its arguments."""
    plain = getattr(owner, name)

    def counting(*given: Any, **named: Any) -> Any:
        if (said := key(*given)) is not None:
            into[said] += 1
        return plain(*given, **named)

    setattr(owner, name, counting)


def watch(into: Counter[str]) -> None:
    """Count what is asked for, and what is missed."""
    counted(Writer, "tell", lambda *_: "passage asked", into)
    counted(Writer, "_worked_out", lambda *_: "passage missed", into)
    counted(Judged, "verdicts", lambda *_: "verdicts asked", into)
    counted(Judged, "_grown", lambda *_: "verdicts missed", into)
    counted(forms.Form, "_claim", lambda *_: "claim of a form missed", into)
    asked = forms.Form.claims

    def claims(form: forms.Form, values: Any) -> Any:
        into["claim of a form asked"] += len(form.rows)
        return asked(form, values)

    forms.Form.claims = claims  # type: ignore[method-assign,assignment]
    decide = citing._decider

    def decider(fact: str) -> Any:
        found = decide(fact)
        into["cited fact put in words each time" if found is None else "cited fact asked"] += 1
        return found

    citing._decider = decider  # type: ignore[assignment]


def size(roots: Iterable[object], seen: set[int]) -> int:
    """Bytes of all that hangs on some objects and was not seen yet."""
    total, left = 0, [*roots]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, _SHARED):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        left += gc.get_referents(each)
    return total


def report(name: str, asked: int, missed: int) -> None:
    """One line."""
    if asked:
        print(f"  {name:16} asked {asked:8,} found {100 * (1 - missed / asked):6.2f} %")


def main() -> int:
    """Read, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--charts", type=int, default=10_000)
    parser.add_argument("--language", choices=[each.value for each in ReadingLanguage], default="ko")
    parser.add_argument("--length", choices=[each.value for each in ReadingLength], default="normal")
    given = parser.parse_args()
    how = ReadingOptions(language=ReadingLanguage(given.language), length=ReadingLength(given.length))
    drawn = births(given.charts + given.charts // 10, seed=20261128)
    shared: set[int] = set()
    first = chart_alone(drawn[0])
    assert first is not None
    versions = tuple(each.version for each in first.facts.schools) if first.facts else ()
    kept_lines: Book = book(how.language, versions)
    writing = manner(how.language, how.length, how.tone, how.audience, versions)
    size([CORPORA, NAMES, first], shared)  # what is there before any reading
    into: Counter[str] = Counter()
    watch(into)
    read, before = 0, dict.fromkeys(_LRU, (0, 0))
    lines = cites = 0
    seen: set[tuple[int, ...]] = set()
    for birth in drawn:
        chart = chart_alone(birth)
        key = () if chart is None else (*chart.pillars.indices(), birth.sex == "male")
        if chart is None or key in seen or read == given.charts:
            continue
        seen.add(key)
        interpret(chart, how)
        read += 1
        if read % _THOUSAND == 0 or read == given.charts:
            print(f"charts to {read:,}, {how.language.value} {how.length.value}")
            for name in ("passage", "verdicts", "claim of a form"):
                report(name, into[f"{name} asked"], into[f"{name} missed"])
            grown = len(citing._kept[how.language])
            report("cited fact", into["cited fact asked"], grown - cites)
            print(
                f"  lines made and kept {len(kept_lines.kept) - lines:,}; "
                f"facts put in words each time {into['cited fact put in words each time']:,}"
            )
            for name, function in _LRU.items():
                hits, misses = function.cache_info()[:2]
                report(name, hits + misses - sum(before[name]), misses - before[name][1])
                before[name] = (hits, misses)
            lines, cites = len(kept_lines.kept), grown
            into.clear()
    gc.collect()
    for name, roots, number in (
        ("looks", [noted._LOOKS], len(noted._LOOKS)),
        ("lines", [kept_lines.kept, kept_lines._judged, kept_lines._cited], len(kept_lines.kept)),
        ("passages", [writing.passages], len(writing.passages)),
        ("forms", [template._form, template._parts], template._form.cache_info().currsize),
        ("claims of forms", [forms._made], len(forms._made)),
        ("cited facts", [citing._kept], len(citing._kept[how.language])),
        ("pillars' facts", [_pillar], _pillar.cache_info().currsize),
        ("pairs of pillars", [relation_list._related], relation_list._related.cache_info().currsize),
    ):
        taken = size(roots, shared)
        print(f"{name:16} {number:7,} kept, {taken / 1e6:6.1f} MB, {taken / max(1, number):6.0f} bytes each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
