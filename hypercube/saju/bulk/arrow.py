"""Arrow tables of births and charts. Words are dictionary-encoded: what is stored for each row is a small code."""

import functools
import importlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import LuckAge
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.bulk import status as st
from hypercube.saju.bulk.reading import FIELDS, Coded, births_from
from hypercube.saju.bulk.table import NO_PILLAR, ChartColumns, charts_table
from hypercube.saju.facts import Facts, Schools
from hypercube.saju.facts.life_stages import LIFE_STAGES
from hypercube.saju.facts.nayin import NAYIN
from hypercube.saju.facts.relations import GROUP_RULES, PAIR_RULES, PAIRS
from hypercube.saju.facts.sinsal import KEYS, VOID_BY_DAY, VOID_BY_YEAR
from hypercube.saju.facts.strength import LEVELS, REMEDIES
from hypercube.saju.facts.structure import STRUCTURES
from hypercube.saju.facts.symbols import ELEMENTS, POSITIONS
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL
from hypercube.saju.luck import PILLARS as LUCK_PILLARS
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

SCRIPTS: Final = ("hangul", "hanja")
_EXTRA: Final = "arrow"


def pyarrow(part: str = "") -> Any:
    """The package or a part of it, or FAILED_PRECONDITION naming the extra that brings it."""
    try:
        return importlib.import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ImportError as error:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "Arrow tables and Parquet files need the package 'pyarrow', which is not installed.",
            fix=f'Run: pip install "heal7-hypercube[{_EXTRA}]"',
            details={"extra": _EXTRA, "missing": "pyarrow"},
        ) from error


def charts(
    births: Any,
    *,
    include: Iterable[str] = ("pillars", "facts"),
    defaults: Mapping[str, Any] | None = None,
    script: str = "hangul",
    luck_age: LuckAge | str = LuckAge.ROUNDED,
    schools: Schools | None = None,
    backend: str = "auto",
) -> Any:
    """Charts of an Arrow table of births, in the order given.

    Args:
        births: `pyarrow.Table` or `RecordBatch` with the columns of `FIELDS`: `birth` as text, timestamp (civil, no
            zone) or date; the rest as `BirthInput` has them, all but `birth` optional, null = not given. Other
            columns are left alone.
        include: as for `charts_table`.
        defaults: values by field for what is null or missing.
        script: "hangul" or "hanja", for pillars and terms.
        luck_age: how the luck pillars' start age is counted.
        schools: the facts' schools; None = the defaults.
        backend: kernel backend.

    Returns:
        `pyarrow.Table` with one row a birth: `status` ("ok" or the reason), `error`, then the columns of the parts
        asked for; null where there is no chart or no hour.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a column that is missing or of the wrong type, or an option;
            FAILED_PRECONDITION without pyarrow.
    """
    read = read_table(births)
    found = charts_table(
        births_from(*read, defaults or {}),
        include=include,
        luck_age=luck_age,
        schools=schools,
        backend=backend,
    )
    return chart_table(found, script=script)


def read_table(births: Any) -> tuple[dict[str, Any], Callable[[int], dict[str, Any]]]:
    """The columns of an Arrow table as `reading.births_from` takes them, and the cells of a row."""
    names = births.schema.names
    if "birth" not in names:
        close = nearest("birth", names)
        raise invalid(
            "The table has no column 'birth'.",
            param="birth",
            value=shown(", ".join(names)),
            fix=f"{f'Rename {close!r}, or a' if close else 'A'}dd the civil times as `birth`.",
        )
    present = [name for name in FIELDS if name in names]
    whole = births.select(present)
    if hasattr(whole, "combine_chunks"):
        whole = whole.combine_chunks()
    columns = {name: _column(name, whole.column(name)) for name in present}
    return columns, lambda row: {name: whole.column(name)[row].as_py() for name in present}


def _column(name: str, column: Any) -> Any:
    pa = pyarrow()
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if name == "birth" and text:
        return column.fill_null("").to_pylist()
    if name == "birth" and (pa.types.is_date32(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)):
        return np.asarray(
            column.to_numpy(zero_copy_only=False) if not hasattr(column, "chunks") else column.to_numpy()
        )
    if name == "longitude" and (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy(), dtype=np.float64)
    if name == "fold" and pa.types.is_integer(kind):
        return np.asarray(column.fill_null(-1).to_numpy(), dtype=np.int64)
    if pa.types.is_boolean(kind) and name == "leap_month":
        column, text = column.cast(pa.string()), True
    if pa.types.is_null(kind):
        return Coded(np.full(len(column), -1, dtype=np.int32), ())
    if not text or name == "birth":
        raise invalid(
            f"The column {name!r} has the type {kind}.",
            param=name,
            value=str(kind),
            fix="Give text, a timestamp without a zone, or a date." if name == "birth" else "Give text.",
        )
    words = column.dictionary_encode()
    words = words.combine_chunks() if hasattr(words, "combine_chunks") else words
    return Coded(words.indices.fill_null(-1).to_numpy().astype(np.int32), tuple(words.dictionary.to_pylist()))


def chart_table(found: ChartColumns, *, script: str = "hangul", errors: bool = True) -> Any:
    """`ChartColumns` as an Arrow table; `errors` adds the column of messages."""
    pa = pyarrow()
    if script not in SCRIPTS:
        raise invalid(
            f"script is {shown(script)!r}, which is not a choice.",
            param="script",
            value=shown(script),
            fix=f"Use one of: {', '.join(SCRIPTS)}.",
        )
    writer = _Writer(pa, script, found.status != st.OK)
    writer.pillars(found, errors)
    if found.facts is not None:
        writer.facts(found.facts)
    if found.luck is not None:
        writer.luck(found)
    if found.lunar is not None:
        missing = found.lunar.year == 0
        for name in ("year", "month", "day", "leap"):
            writer.numbers(f"lunar_{name}", getattr(found.lunar, name), missing)
    return pa.table(writer.columns).replace_schema_metadata({"hypercube": _legend()})


class _Writer:
    def __init__(self, pa: Any, script: str, bad: NDArray[np.bool_]) -> None:
        self.pa, self.script, self.bad = pa, script, bad
        self.any_bad = bool(bad.any())
        self.columns: dict[str, Any] = {}

    def _mask(self, more: NDArray[np.bool_] | None = None) -> NDArray[np.bool_] | None:
        if more is None:
            return self.bad if self.any_bad else None
        return self.bad | more

    def numbers(
        self, name: str, values: NDArray[Any], missing: NDArray[np.bool_] | None = None, kind: Any = None
    ) -> None:
        self.columns[name] = self.pa.array(np.ascontiguousarray(values), type=kind, mask=self._mask(missing))

    def words(self, name: str, codes: NDArray[Any], words: Sequence[str]) -> None:
        missing = self._mask(codes >= len(words))
        codes = np.where(missing, 0, codes) if missing is not None else np.ascontiguousarray(codes)
        indices = self.pa.array(codes.astype(np.int16), mask=missing)
        self.columns[name] = self.pa.DictionaryArray.from_arrays(
            indices, self.pa.array(words, self.pa.string())
        )

    def names(self, name: str, codes: NDArray[Any], named: Sequence[Any]) -> None:
        self.words(name, codes, [getattr(each, self.script) for each in named])

    def pillars(self, found: ChartColumns, errors: bool) -> None:
        pa = self.pa
        indices = pa.array(found.status.astype(np.int16))
        self.columns["status"] = pa.DictionaryArray.from_arrays(
            indices, pa.array(st.NAMES.values(), pa.string())
        )
        if errors:
            messages: list[str | None] = [None] * len(found)
            for row in np.flatnonzero(self.bad).tolist():
                messages[row] = str(found.error(row))
            self.columns["error"] = pa.array(messages, pa.string())
        for column, position in enumerate(POSITIONS):
            self.names(f"{position}_pillar", found.pillars[:, column], PILLARS)
        self.numbers("utc", found.utc_seconds, kind=pa.timestamp("s", "UTC"))
        self.numbers("utc_offset_s", found.utc_offset_seconds)
        self.numbers("offset_s", found.offset_seconds)
        terms = load_terms()
        cycle = [terms.term(index) for index in range(12)]
        self.names("nearest_term", np.where(found.nearest_jie < 0, 99, found.nearest_jie % 12), cycle)
        self.numbers("since_term_s", found.since_jie)
        self.numbers("ambiguous", found.ambiguous)

    def facts(self, facts: Facts) -> None:
        no_hour = facts.pillars[:, 3] == NO_PILLAR
        by_position = {
            "stem_god": (facts.stem_gods, TEN_GODS),
            "branch_god": (facts.branch_gods, TEN_GODS),
            "stage": (facts.stages, LIFE_STAGES),
            "own_stage": (facts.own_stages, LIFE_STAGES),
            "nayin": (facts.nayin, NAYIN),
            "twelve_by_year": (facts.twelve_by_year, TWELVE_SINSAL),
            "twelve_by_day": (facts.twelve_by_day, TWELVE_SINSAL),
        }
        for column, position in enumerate(POSITIONS):
            missing = no_hour if position == "hour" else None
            for name, (codes, named) in by_position.items():
                if (position, name) != ("day", "stem_god"):
                    self.names(f"{position}_{name}", codes[:, column], named)
            for slot, role in enumerate(("first", "second", "third")):
                self.names(f"{position}_hidden_{role}", facts.hidden_stems[:, column, slot], STEMS)
            flags = facts.flags[:, column] & np.uint64((1 << VOID_BY_YEAR + 1) - 1)
            self.numbers(f"{position}_sinsal", flags, missing)
        for name, void in (("day", facts.void_day), ("year", facts.void_year)):
            for slot in range(2):
                self.names(f"void_by_{name}_{slot + 1}", void[:, slot], BRANCHES)
        for pair, (first, second) in enumerate(PAIRS):
            name = f"relations_{POSITIONS[first]}_{POSITIONS[second]}"
            self.numbers(name, facts.pair_relations[:, pair], no_hour if second == 3 else None)
        self.numbers("relations_of_three", facts.groups)
        weights = facts.element_weights()
        for index, element in enumerate(ELEMENTS):
            self.numbers(f"{element}_count", facts.element_counts[:, index])
            self.numbers(f"{element}_weight", weights[:, index] / np.float32(30))
        self.names("strength", facts.strength, LEVELS)
        self.numbers("support", facts.support[:, 0])
        self.names("structure", facts.structure, STRUCTURES)
        self.words("balance_god", facts.balance_gods[:, 0], ELEMENTS)
        self.names("balance_reason", facts.balance_reason, [reason for reason, _ in REMEDIES])
        for slot in range(facts.climate_gods.shape[1]):
            self.names(f"climate_god_{slot + 1}", facts.climate_gods[:, slot], STEMS)

    def luck(self, found: ChartColumns) -> None:
        luck = found.luck
        assert luck is not None
        walk, unsure, dated = _walks(self.script), luck.forward > 1, luck.distance_ms < 0
        self.numbers("luck_forward", luck.forward == 1, unsure)
        self.numbers("luck_age_exact", luck.exact, dated)
        self.numbers("luck_age_rounded", luck.rounded, dated)
        self.numbers("luck_age_floored", luck.floored, dated)
        self.numbers("luck_first_date", luck.first_day, dated, self.pa.date32())
        month = found.pillars[:, 1].astype(np.int16)
        self.words("luck_pillars", np.where(unsure, 999, luck.forward * np.int16(60) + month), walk)


@functools.lru_cache(maxsize=2)
def _walks(script: str) -> tuple[str, ...]:
    """The ten luck pillars as text, by direction and month pillar."""
    names = [getattr(each, script) for each in PILLARS]
    return tuple(
        " ".join(names[(month + step * k) % 60] for k in range(1, LUCK_PILLARS + 1))
        for step in (-1, 1)
        for month in range(60)
    )


@functools.cache
def _legend() -> str:
    """What the bits of the mask columns stand for, as JSON."""
    sinsal = {str(bit): key for bit, key in enumerate(KEYS)}
    sinsal |= {str(VOID_BY_DAY): "void_by_day", str(VOID_BY_YEAR): "void_by_year"}
    pairs = {str(bit): rule.name.key for bit, rule in enumerate(PAIR_RULES)}
    threes = {str(bit): rule.name.key for bit, rule in enumerate(GROUP_RULES)}
    bits = {"sinsal": sinsal, "relations": pairs, "relations_of_three": threes}
    schools = {choice.topic: choice.version for choice in Schools().choices()}
    return json.dumps({"bits": bits, "default_schools": schools}, ensure_ascii=False)
