"""Scores and the best k in Triton, over torch CUDA tensors; the search is that of compatibility.cu.

With TRITON_INTERPRET=1 in the environment before the first import, it runs on CPU tensors instead, which is how
its parity is tested without a GPU. The tables (30 kB for two queries) are gathered through the first-level cache.
"""

from typing import Any, Final

import torch
import triton
import triton.language as tl

from hypercube.kernels.arrays import no_device
from hypercube.kernels.compatibility.gpu_keys import HALF, LAST_ROW, ROW_BITS, TILE, batches, search
from hypercube.kernels.compatibility.tables import BIAS, by_pair
from hypercube.kernels.packed_charts import Charts
from hypercube.kernels.sexagenary import ROWS

LIBRARIES: Final = ("torch",)
WARPS: Final = 8
INTERPRETED: Final = bool(triton.knobs.runtime.interpret)
TILES_A_PROGRAM: Final = 256 if INTERPRETED else 8
"""A program costs the interpreter milliseconds whatever its size."""
_TILE = tl.constexpr(TILE)
_ROW_BITS = tl.constexpr(ROW_BITS)
_LAST_ROW = tl.constexpr(LAST_ROW)
_HALF = tl.constexpr(HALF)
_ROWS = tl.constexpr(ROWS)
_warm: set[Any] = set()


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _both_scores(word, table):  # type: ignore[no-untyped-def]
    """Two queries' biased scores in a word int32 each, and which words are no chart."""
    year, month, day = word & 255, (word >> 8) & 255, (word >> 16) & 255
    hour = (word >> 24) & 255
    wrong = (year > 59) | (month > 59) | (day > 59) | ((hour > 59) & (hour != 255))
    hour = tl.where(hour == 255, 60, hour)
    first = tl.where(wrong, 0, year + _ROWS * month)
    second = tl.where(wrong, 0, day + _ROWS * hour)
    return tl.load(table + first) + tl.load(table + _HALF + second), wrong


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def _report(wrong, wrong_pointer):  # type: ignore[no-untyped-def]
    bad = tl.max(tl.ravel(wrong).to(tl.int32), axis=0)
    tl.atomic_max(wrong_pointer, bad, mask=bad > 0)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def all_scores_kernel(  # type: ignore[no-untyped-def]
    charts_pointer,  # int32[rows]
    rows,
    tables_pointer,  # int32[pairs, 2, 61 * 61]
    queries,
    out_pointer,  # int16[queries, rows]
    wrong_pointer,  # int32[1]: set to 1 when a value is out of range
    BIAS: tl.constexpr,  # noqa: N803
    BLOCK: tl.constexpr,  # noqa: N803
):
    """A program scores BLOCK rows for a pair of queries."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    pair = tl.program_id(1).to(tl.int64)
    here = row < rows
    word = tl.load(charts_pointer + row, mask=here, other=0)
    both, wrong = _both_scores(word, tables_pointer + pair * (2 * _HALF))
    out = out_pointer + 2 * pair * rows + row
    tl.store(out, ((both & 0xFFFF) - BIAS).to(tl.int16), mask=here)
    tl.store(out + rows, ((both >> 16) - BIAS).to(tl.int16), mask=here & (2 * pair + 1 < queries))
    _report(wrong, wrong_pointer)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def tile_maxima_kernel(  # type: ignore[no-untyped-def]
    charts_pointer,  # int32[rows]
    rows,
    tables_pointer,  # int32[pairs, 2, 61 * 61]
    queries,
    keys_pointer,  # int64[queries, tiles]
    tiles,
    wrong_pointer,  # int32[1]
    TILES: tl.constexpr,  # noqa: N803
):
    """A program finds the highest score of TILES tiles, for a pair of queries. Only the last needs a mask."""
    tile = tl.program_id(0).to(tl.int64) * TILES + tl.arange(0, TILES)
    pair = tl.program_id(1).to(tl.int64)
    row = tile[:, None] * _TILE + tl.arange(0, _TILE)[None, :]
    table = tables_pointer + pair * (2 * _HALF)
    if (tl.program_id(0).to(tl.int64) + 1) * (TILES * _TILE) <= rows:
        both, wrong = _both_scores(tl.load(charts_pointer + row), table)
    else:
        here = row < rows
        both, wrong = _both_scores(tl.load(charts_pointer + row, mask=here, other=0), table)
        both = tl.where(here, both, 0)
    one = tl.max(both & 0xFFFF, axis=1).to(tl.int64)
    other = tl.max(both >> 16, axis=1).to(tl.int64)
    place = keys_pointer + 2 * pair * tiles + tile
    tl.store(place, (one << _ROW_BITS) | (_LAST_ROW - tile), mask=tile < tiles)
    second = (tile < tiles) & (2 * pair + 1 < queries)
    tl.store(place + tiles, (other << _ROW_BITS) | (_LAST_ROW - tile), mask=second)
    _report(wrong, wrong_pointer)


@triton.jit  # type: ignore[untyped-decorator,unused-ignore]
def row_keys_kernel(  # type: ignore[no-untyped-def]
    charts_pointer,  # int32[rows]
    rows,
    tables_pointer,  # int32[pairs, 2, 61 * 61]
    tile_keys_pointer,  # int64[queries, taken]
    taken,
    keys_pointer,  # int64[queries, taken, 512]
    wrong_pointer,  # int32[1]
    TILES: tl.constexpr,  # noqa: N803
):
    """A program writes the keys of the rows of TILES of the tiles taken, for one query; 0 past the last row."""
    slot = tl.program_id(0).to(tl.int64) * TILES + tl.arange(0, TILES)
    query = tl.program_id(1).to(tl.int64)
    asked = slot < taken
    tile = _LAST_ROW - (tl.load(tile_keys_pointer + query * taken + slot, mask=asked, other=0) & _LAST_ROW)
    row = tile[:, None] * _TILE + tl.arange(0, _TILE)[None, :]
    here = (row < rows) & asked[:, None]
    word = tl.load(charts_pointer + row, mask=here, other=0)
    both, wrong = _both_scores(word, tables_pointer + (query >> 1) * (2 * _HALF))
    biased = tl.where((query & 1) == 1, both >> 16, both & 0xFFFF).to(tl.int64)
    made = tl.where(here, (biased << _ROW_BITS) | (_LAST_ROW - row), 0)
    place = query * taken * _TILE + slot[:, None] * _TILE + tl.arange(0, _TILE)[None, :]
    tl.store(keys_pointer + place, made, mask=asked[:, None] & (row >= 0))
    _report(wrong, wrong_pointer)


def is_warm() -> bool:
    """Whether the kernels have run once on some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device; FAILED_PRECONDITION without one."""
    if not INTERPRETED and not torch.cuda.is_available():
        raise no_device("compatibility", "triton")
    device = torch.device("cpu") if INTERPRETED else torch.device("cuda", torch.cuda.current_device())
    charts = torch.zeros((TILE + 1, 4), dtype=torch.uint8, device=device)
    query = torch.zeros((1, 4), dtype=torch.uint8).numpy()
    compatibility(query, charts, torch.empty((1, TILE + 1), dtype=torch.int16, device=device))
    index, score = (torch.empty((1, 1), dtype=each, device=device) for each in (torch.int64, torch.int16))
    top_k(query, charts, index, score)


def compatibility(queries: Charts, charts: Any, out: Any) -> bool:
    """Fill `out` on torch's current stream.

    Args:
        queries: NumPy uint8[Q, 4], checked.
        charts: torch uint8[N, 4], contiguous, at an address divisible by 4.
        out: torch int16[Q, N], contiguous, same device.

    Returns:
        False if a value of `charts` is out of range; waits for the kernel to say so.
    """
    rows = int(charts.shape[0])
    if not rows:
        return True
    words, wrong, block = _words(charts), _flag(charts), TILES_A_PROGRAM * TILE
    with _on(charts.device):
        for batch in batches(len(queries), 1):
            tables = _tables(queries[batch], charts.device)
            all_scores_kernel[(triton.cdiv(rows, block), len(tables))](
                words,
                rows,
                tables,
                len(queries[batch]),
                out[batch],
                wrong,
                BIAS=BIAS,
                BLOCK=block,
                num_warps=WARPS,
            )
    _warm.add(charts.device)
    return bool(wrong.item() == 0)


def top_k(queries: Charts, charts: Any, index: Any, score: Any) -> bool:
    """Fill `index` int64[Q, k] and `score` int16[Q, k], 1 <= k <= N; as `compatibility`."""
    rows, k = int(charts.shape[0]), int(index.shape[1])
    shape = search(rows, k)
    words, wrong = _words(charts), _flag(charts)
    with _on(charts.device):
        for batch in batches(len(queries), shape.tiles + shape.taken * TILE):
            size = len(queries[batch])
            tables = _tables(queries[batch], charts.device)
            if shape.taken < shape.tiles:
                tile_keys = torch.empty((size, shape.tiles), dtype=torch.int64, device=charts.device)
                tile_maxima_kernel[(triton.cdiv(shape.tiles, TILES_A_PROGRAM), len(tables))](
                    words,
                    rows,
                    tables,
                    size,
                    tile_keys,
                    shape.tiles,
                    wrong,
                    TILES=TILES_A_PROGRAM,
                    num_warps=WARPS,
                )
                best_tiles = torch.topk(tile_keys, shape.taken, dim=1, sorted=False).values
            else:
                every = torch.arange(shape.tiles, dtype=torch.int64, device=charts.device)
                best_tiles = (LAST_ROW - every).repeat(size, 1)
            keys = torch.empty((size, shape.taken * TILE), dtype=torch.int64, device=charts.device)
            row_keys_kernel[(triton.cdiv(shape.taken, TILES_A_PROGRAM), size)](
                words,
                rows,
                tables,
                best_tiles,
                shape.taken,
                keys,
                wrong,
                TILES=TILES_A_PROGRAM,
                num_warps=WARPS,
            )
            # Keys are unique, so the order of equal scores does not depend on how topk breaks ties.
            best = torch.topk(keys, k, dim=1, sorted=True).values
            index[batch] = LAST_ROW - (best & LAST_ROW)
            score[batch] = ((best >> ROW_BITS) - BIAS).to(torch.int16)
    _warm.add(charts.device)
    return bool(wrong.item() == 0)


def _on(device: Any) -> Any:
    return torch.cuda.device(device if device.type == "cuda" else -1)


def _words(charts: Any) -> Any:
    return charts.view(torch.int32).reshape(-1)


def _flag(charts: Any) -> Any:
    return torch.zeros(1, dtype=torch.int32, device=charts.device)


def _tables(queries: Charts, device: Any) -> Any:
    return torch.from_numpy(by_pair(queries).view("int32")).to(device)
