"""The model `saju` before somebody in a crisis, and before what is not judged while a birth is under way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from hypercube.core.reading import ReadingLanguage
from hypercube.saju.conversation.beyond import BY_KEY, CRISIS
from tests.contract.gateway.saju_chat_house import CHART_TOOL, HER, SajuHouse, WrittenModel, saju_house

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
HELP = BY_KEY[CRISIS].said
FORCED: dict[str, Any] = {
    "tools": [CHART_TOOL],
    "tool_choice": {"type": "function", "function": {"name": "saju_chart"}},
}


@pytest.fixture
async def house() -> AsyncIterator[SajuHouse]:
    model = WrittenModel(lambda _: "힘내세요.")
    async with saju_house(model) as found:
        yield found
    assert not model.requests, "no model speaks to somebody in a crisis"


@pytest.fixture
async def alone() -> AsyncIterator[SajuHouse]:
    async with saju_house(WrittenModel(lambda _: "", models_served=False)) as found:
        yield found


async def answered(house: SajuHouse, *turns: str, **more: Any) -> Any:
    messages: list[Any] = [{"role": "user", "content": each} for each in turns]
    async with house.client() as ai:
        whole = await ai.chat.completions.create(model="saju", messages=messages, **more)
    return whole.choices[0].message


@pytest.mark.parametrize("more", [{}, {"tools": [CHART_TOOL]}, FORCED], ids=["plain", "offered", "forced"])
@pytest.mark.parametrize(
    "turns",
    [
        ("죽고 싶어요",),
        ("1990년 5월 3일생인데 죽고 싶어요",),
        ("1990년 5월 3일", "죽고 싶어요"),
        (f"{HER}. 죽고 싶어요",),
        (HER, "게임도 재미없고 죽고 싶어요"),
        (HER, "유서 편지를 써줘, 죽고 싶어"),
        (HER, "재물운도 나쁘고 이제 그만 살고 싶어요"),
        (f"{HER}. 죽고 싶어요", "더 자세히 말해줘"),
        ("아내는 1992년 1월 2일 오전 9시 서울 여자예요", "아내가 미워서 다 끝내고 싶어요. 궁합은요?"),
    ],
)
async def test_a_crisis_is_answered_first_and_alone(
    house: SajuHouse, turns: tuple[str, ...], more: dict[str, Any]
) -> None:
    said = await answered(house, *turns, **more)
    assert said.content == HELP[KO]
    assert not said.tool_calls


async def test_it_is_answered_in_english_too(house: SajuHouse) -> None:
    for text in ("born on May 3, 1990, I don't want to live anymore", "write a poem, I want to end it all"):
        assert (await answered(house, text)).content == HELP[EN]


async def test_afterwards_the_conversation_goes_on(house: SajuHouse) -> None:
    said = await answered(house, HER, "죽고 싶어요", "고마워요. 내 일간이 뭐야?")
    assert said.content == "일간은 무토(戊土)입니다."


@pytest.mark.parametrize("question", ["1990년 5월 3일생인데 삼재예요?", "1990년 5월 3일생, 로또 당첨될까요?"])
async def test_what_is_not_judged_is_said_before_a_birth_is_asked_for(
    alone: SajuHouse, question: str
) -> None:
    told = (await answered(alone, question)).content
    key = "samjae" if "삼재" in question else "lottery"
    assert told.startswith(BY_KEY[key].said[KO])
    assert "성별" in told


async def test_a_forced_call_is_made_though_the_question_is_not_judged(alone: SajuHouse) -> None:
    said = await answered(alone, HER, "저 올해 삼재예요?", **FORCED)
    assert [each.function.name for each in said.tool_calls] == ["saju_chart"]
    said = await answered(alone, HER, "삼재 언제 끝나요", **FORCED)
    assert [each.function.name for each in said.tool_calls] == ["saju_chart"]


async def test_nothing_of_a_death_is_in_the_air(alone: SajuHouse) -> None:
    for question in ("내 수명은 몇 살?", "제 수명은 언제까지예요?"):
        told = (await answered(alone, HER, question)).content
        assert BY_KEY["lifespan"].said[KO] in told
        assert "기운이 도는 시기" not in told


async def test_no_function_is_called_for_somebody_in_a_crisis(house: SajuHouse) -> None:
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
        said = await answered(house, HER, "죽고 싶어요", tools=[weather], tool_choice=choice)
        assert said.content == HELP[KO]
        assert not said.tool_calls
