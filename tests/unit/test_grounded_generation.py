"""A model's text about a chart: what may leave, what is asked for again, and that no work outlives its reader."""

import asyncio

import pytest

from hypercube.core.chart import Chart
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import ReadingLanguage, ReadingOptions, ReadingSection
from hypercube.cubes.grounded_generation import GroundedGeneration
from hypercube.saju import chart
from hypercube.saju.composing import Judge, outline
from hypercube.saju.reading import read
from tests.unit.scripted_model import Answer, ScriptedModel

KO = ReadingLanguage.KO
ASK = GenerationRequest((ChatMessage("user", "제 사주를 풀어 주세요."),), sampling=Sampling(seed=1))
TRUE = "일간이 무토이니 큰 산처럼 듬직한 분입니다."
ALSO = "월지가 진토라 봄 흙의 기운을 받으셨습니다."
LIE = "일간이 갑목이니 큰 나무처럼 곧은 분입니다."


def known() -> Chart:
    return chart(
        "1990-05-03T07:20",
        sex="female",
        place="Seoul",
        include=("facts", "luck", "periods"),
        as_of="2026-11-27",
    )


def generation(
    *answers: Answer, attempts: int = 2, until: float | None = None
) -> tuple[GroundedGeneration, ScriptedModel]:
    model = ScriptedModel(answers)
    return GroundedGeneration(
        model, Judge(known(), KO), attempts=attempts, until=until, clock=lambda: 0.0
    ), model


async def told(writer: GroundedGeneration) -> list[str]:
    return [each async for each in writer.sentences(ASK, Call("test"))]


async def test_what_is_true_leaves_as_it_came() -> None:
    writer, model = generation(f"{TRUE} {ALSO}")
    assert await told(writer) == [TRUE, ALSO]
    assert (writer.checked.sentences, writer.checked.contradictions, writer.checked.asked_again) == (2, 0, 0)
    assert writer.outcome.failure is None
    assert writer.outcome.usage.completion_tokens > 0
    assert len(model.requests) == 1


async def test_a_lie_is_asked_for_again_after_what_has_left() -> None:
    writer, model = generation(f"{TRUE} {LIE} {ALSO}", ALSO)
    assert await told(writer) == [TRUE, ALSO]
    assert (writer.checked.contradictions, writer.checked.cut, writer.checked.asked_again) == (1, 1, 1)
    again = model.requests[1]
    assert [turn.role for turn in again.messages] == ["user", "assistant", "user"]
    assert again.messages[1].content == TRUE
    assert LIE in again.messages[2].content
    assert "戊" in again.messages[2].content
    assert again.sampling.seed == 2
    assert model.active == 0


async def test_a_lie_at_the_beginning_is_told_in_the_same_turn() -> None:
    writer, model = generation(LIE, TRUE)
    assert await told(writer) == [TRUE]
    assert [turn.role for turn in model.requests[1].messages] == ["user"]


async def test_a_model_that_goes_on_lying_is_cut() -> None:
    writer, model = generation(f"{LIE} {TRUE} {LIE.replace('갑목', '을목')} {ALSO}")
    assert await told(writer) == [TRUE, ALSO]
    assert len(model.requests) == 2
    assert (writer.checked.contradictions, writer.checked.cut) == (3, 3)


async def test_a_model_that_says_nothing_usable_is_not_listened_to_for_ever() -> None:
    writer, model = generation(" ".join([LIE] * 40), attempts=1)
    assert await told(writer) == []
    assert writer.checked.sentences < 10
    assert model.active == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (f"{TRUE} {ALSO} <die>", ErrorKind.ENGINE_FAILED),
        (f"{TRUE} {ALSO} <cut>", ErrorKind.ENGINE_FAILED),
        (HyperCubeError(ErrorKind.UNAVAILABLE, "It loads.", retry_after_s=3), ErrorKind.UNAVAILABLE),
        (HyperCubeError(ErrorKind.MODEL_NOT_FOUND, "None."), ErrorKind.MODEL_NOT_FOUND),
        (ZeroDivisionError("a bug"), ErrorKind.ENGINE_FAILED),
    ],
)
async def test_what_happens_to_the_model_is_told_and_not_raised(answer: Answer, kind: ErrorKind) -> None:
    writer, model = generation(answer)
    assert await told(writer) == ([TRUE] if isinstance(answer, str) else [])
    assert writer.outcome.failure is not None
    assert writer.outcome.failure.kind is kind
    assert model.active == 0


async def test_who_may_not_ask_the_model_is_told_so() -> None:
    writer, _ = generation(HyperCubeError(ErrorKind.PERMISSION_DENIED, "Not yours."))
    with pytest.raises(HyperCubeError, match="Not yours"):
        await told(writer)


async def test_a_model_that_is_too_slow_is_left() -> None:
    writer, model = generation(f"{TRUE} {ALSO} <hang>", until=0.05)
    assert await told(writer) == [TRUE]
    assert writer.outcome.failure is not None
    assert writer.outcome.failure.kind is ErrorKind.DEADLINE_EXCEEDED
    assert model.active == 0


async def test_a_reader_that_leaves_ends_the_model_s_work() -> None:
    writer, model = generation(f"{TRUE} {ALSO} 더 <hang>")
    reader = asyncio.create_task(told(writer))
    await model.hanging.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert model.active == 0


async def test_a_reader_that_closes_the_stream_ends_it_too() -> None:
    writer, model = generation(f"{TRUE} {ALSO} {LIE}")
    stream = writer.sentences(ASK, Call("test"))
    assert await anext(stream) == TRUE
    await stream.aclose()
    assert model.active == 0


UNFIT = [
    ("일간이 무토이니 great mountain 같은 분입니다.", "language"),
    ("您的日主是戊土，性格稳重。", "language"),
    ("あなたは大きな山のような人です。", "language"),
    ("Вы похожи на гору.", "language"),
    ("일간이 무토이니 큰 산과", "unfinished"),
    ("일간이 무토이니 큰 산처럼 듬직하다.", "register"),
    ("저는 인공지능 언어 모델로서 일간이 무토인 분께 말씀드립니다.", "about itself"),
    ("주어진 문장을 바탕으로 쓰면 일간은 무토입니다.", "about itself"),
    ("일간이 무토이니 반드시 부자가 됩니다.", "promise"),
    ("일간이 무토라 위암 진단을 조심하세요.", "promise"),
    ("무토 무토입니다 무토 무토입니다 무토 무토입니다.", "repetition"),
    ("일간이 무토이니 산산산산산산 같은 분입니다.", "repetition"),
    ("```json 무토입니다.", "markup"),
    ("기질과 성격:", "markup"),
    ("일간의 갑목이 큰 나무처럼 자라는 분입니다.", "contradiction"),
    ("병화의 기운이 함께 어우러져 밝은 분입니다.", "no basis"),
    ("일간이 무토이니 37세에 큰 산처럼 듬직해집니다.", "no basis"),
    ("오늘 저녁에는 김치찌개를 끓여 드시면 좋습니다.", "no basis"),
]


@pytest.mark.parametrize(("sentence", "fault"), UNFIT)
def test_a_reading_s_judge_says_what_is_wrong(sentence: str, fault: str) -> None:
    (section,) = read(known(), ReadingOptions(sections=(ReadingSection.TEMPER,)))
    judge = Judge(
        known(), KO, outline=outline(known(), section, KO), secret="당신은 사주 풀이를 다듬는 편집자입니다."
    )
    assert judge.sentence(sentence).fault == fault


def test_instructions_do_not_leak_and_nothing_is_said_twice() -> None:
    (section,) = read(known(), ReadingOptions(sections=(ReadingSection.TEMPER,)))
    secret = "당신은 사주 풀이를 다듬는 편집자입니다. 아래 사실 말고는 아무것도 쓰지 마십시오."
    judge = Judge(known(), KO, outline=outline(known(), section, KO), secret=secret)
    assert judge.sentence("일간이 무토인 당신은 사주 풀이를 다듬는 편집자입니다.").fault == "leak"
    assert judge.sentence(TRUE).passed
    assert judge.sentence("일간이 무토이니 큰 산처럼 듬직한 분이십니다.").fault == "repetition"


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_the_written_sentences_pass_their_own_judge(language: ReadingLanguage) -> None:
    for section in read(known(), ReadingOptions(language=language)):
        judge = Judge(known(), language, outline=outline(known(), section, language))
        for sentence in section.sentences:
            found = judge.sentence(sentence.text)
            assert found.passed, (found.fault, found.text)
