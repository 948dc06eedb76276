"""The four pillars (사주): time -> calendar -> chart. A single chart is a batch of one.

    pillars    arrays of instants and offsets -> sexagenary indices
    chart      one birth as people write it -> a `Chart`, or a `HyperCubeError`
    charts     many births -> one `ChartResult` each
    year_terms, lunar_day    the 24 solar terms of a year; a day by the solar and the Korean lunar calendar
    match      궁합 of two charts, part by part
    to_text    a chart as compact text, in Korean or English, for a language model
    prepare, assemble    the two halves of `charts`, for a caller who runs the kernel itself (a batcher)

Needs NumPy and tzdata: heal7-hypercube[saju].
"""

try:
    import numpy as np
    import tzdata  # type: ignore[import-untyped]
except ImportError as error:
    raise ImportError(
        f'hypercube.saju needs {error.name}, which is not installed. Run: pip install "heal7-hypercube[saju]"',
        name=error.name,
    ) from error

from hypercube.kernels.pillars import pillars
from hypercube.saju.almanac import lunar_day, year_terms
from hypercube.saju.assembly import assemble
from hypercube.saju.chart import chart, charts
from hypercube.saju.match import match
from hypercube.saju.preparation import Prepared, RowGroup, prepare
from hypercube.saju.text import to_text

__all__ = [
    "Prepared",
    "RowGroup",
    "assemble",
    "chart",
    "charts",
    "lunar_day",
    "match",
    "pillars",
    "prepare",
    "to_text",
    "year_terms",
]

del np, tzdata
