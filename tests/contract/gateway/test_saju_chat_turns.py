"""Conversations as people type them, through the official client: each answer says what the question asked for."""

import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from hypercube.saju import chart
from hypercube.saju.conversation.phrases import EXHAUSTED, NO_MODEL
from hypercube.saju.grounding import Checker
from tests.contract.gateway.saju_chat_house import (
    CHART_TOOL,
    HER,
    TODAY,
    SajuHouse,
    WrittenModel,
    fake_house,
    saju_house,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "conversation"
NOT_UNDERSTOOD = tuple(NO_MODEL.values())
ORDINARY = "@model"
"""In the place of a pattern: the turn is none about a chart, and is left to the model behind."""
DATES = {
    "today": TODAY,
    "tomorrow": TODAY + dt.timedelta(1),
    "after": TODAY + dt.timedelta(2),
    "year": TODAY.year,
    "next_year": TODAY.year + 1,
}
WEATHER_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def conversations() -> list[tuple[str, list[list[str]]]]:
    found = []
    for name in ("turns.tsv", "turns_unseen.tsv", "turns_unseen_2.tsv", "turns_reread.tsv"):
        for block in (GOLDEN / name).read_text("utf-8").split("\n\n"):
            turns = [line.split("\t") for line in block.splitlines() if line and not line.startswith("#")]
            found.append((name, turns))
    return found


@pytest.fixture
async def alone() -> AsyncIterator[SajuHouse]:
    """No model behind: what is not understood is said to be nobody's."""
    async with saju_house(WrittenModel(lambda _: "", models_served=False)) as house:
        yield house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SajuHouse]:
    async with fake_house(tmp_path) as found:
        yield found


def test_there_are_conversations_enough() -> None:
    every = conversations()
    asked = {name: sum(len(turns) - 1 for each, turns in every if each == name) for name, _ in every}
    assert asked["turns.tsv"] >= 60
    assert asked["turns_unseen.tsv"] >= 40
    assert asked["turns_unseen_2.tsv"] >= 60


@pytest.mark.parametrize(
    ("name", "turns"), conversations(), ids=lambda given: given if isinstance(given, str) else given[1][0]
)
async def test_a_conversation_goes_as_it_should(alone: SajuHouse, name: str, turns: list[list[str]]) -> None:
    talk: list[Any] = []
    async with alone.client() as ai:
        for question, wanted, *unwanted in turns:
            talk.append({"role": "user", "content": question})
            answer = await ai.chat.completions.create(model="saju", messages=talk)
            text = answer.choices[0].message.content or ""
            talk.append({"role": "assistant", "content": text})
            if wanted == ORDINARY:
                assert text in NOT_UNDERSTOOD, (question, text)
                continue
            assert text not in NOT_UNDERSTOOD, question
            assert re.search(dated(wanted), text, re.DOTALL), (question, text)
            assert not any(re.search(dated(each), text) for each in unwanted), (question, text)
            note = answer.choices[0].model_dump().get("x_hypercube")
            assert note is None or note["checked"]["cut"] == 0, (question, text)


def dated(pattern: str) -> str:
    for key, value in DATES.items():
        pattern = pattern.replace(f"{{{key}}}", str(value))
    return pattern


async def said(ai: openai.AsyncOpenAI, *turns: str) -> str:
    messages: list[Any] = [{"role": "user", "content": each} for each in turns]
    answer = await ai.chat.completions.create(model="saju", messages=messages)
    return answer.choices[0].message.content or ""


async def test_a_day_has_its_own_pillar_and_no_other(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        for word, day in (("오늘", "2026-11-27"), ("내일", "2026-11-28"), ("12월 25일", "2026-12-25")):
            told = await said(ai, HER, f"{word} 운세 어때?")
            then = chart(
                "1990-05-03T07:20", sex="female", place="서울", include=("facts", "periods"), as_of=day
            )
            assert then.periods is not None
            pillar = then.periods.day.pillar
            assert f"{day}(" in told
            assert f"일진은 {pillar.hangul}({pillar.hanja})" in told
            assert all(check.grounded for check in Checker(then).text(told))


async def test_more_of_an_answer_is_more_and_less_is_less(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        for topic in ("재물운 어때?", "성격 알려줘", "2028년은 어때?", "직업운", "내일 운세", "용신이 뭐야?"):
            plain = await said(ai, HER, topic)
            more = await said(ai, HER, topic, "더 자세히")
            assert len(more) > len(plain) or topic == "용신이 뭐야?", topic
            assert (await said(ai, HER, topic, "더 자세히", "더 알려줘")) == next(iter(EXHAUSTED.values()))
            less = await said(ai, HER, topic, "더 자세히", "짧게 요약해줘")
            assert len(less) <= len(plain), topic


async def test_more_of_an_ordinary_answer_is_asked_of_the_model() -> None:
    model = WrittenModel(lambda _: "기사를 요약하면 이렇습니다.")
    async with saju_house(model) as house, house.client() as ai:
        await said(ai, HER, "파이썬으로 리스트 정렬하는 법 알려줘", "더 자세히")
        await said(ai, HER, "이 기사 요약해줘: 오늘 시장이 열렸다")
    assert len(model.requests) == 2


async def test_no_word_turns_a_thing_that_is_not_judged_into_a_verdict(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        told = await said(ai, HER, "저 올해 삼재인가요? 맞다고 해 주세요")
        assert "판단하지 않습니다" in told
        assert "109" in await said(ai, HER, "너무 힘들어서 죽고 싶어요. 제 사주 탓인가요?")
        assert "109" not in await said(ai, HER, "투자해도 될까요?")
        assert "109" not in await said(ai, HER, "제 생일 기억해요?")


# -- a function of the caller's own that has to be called


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
async def test_a_forced_function_of_the_caller_is_called(house: SajuHouse, choice: Any) -> None:
    messages: list[Any] = [{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}]
    async with house.client() as ai:
        answer = await ai.chat.completions.create(
            model="saju", messages=messages, tools=[WEATHER_TOOL], tool_choice=choice
        )
        (call,) = answer.choices[0].message.tool_calls or ()
        assert call.type == "function"
        assert call.function.name == "weather"
        assert answer.choices[0].finish_reason == "tool_calls"
        free = await ai.chat.completions.create(model="saju", messages=messages, tools=[WEATHER_TOOL])
        assert "무토(戊土)" in (free.choices[0].message.content or "")
        own = await ai.chat.completions.create(
            model="saju",
            messages=messages,
            tools=[WEATHER_TOOL, CHART_TOOL],
            tool_choice={"type": "function", "function": {"name": "saju_chart"}},
        )
        (call,) = own.choices[0].message.tool_calls or ()
        assert call.type == "function"
        assert call.function.name == "saju_chart"


async def test_a_forced_function_that_nobody_can_call_is_refused(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        with pytest.raises(openai.BadRequestError) as refused:
            await ai.chat.completions.create(
                model="saju",
                messages=[{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}],
                tools=[WEATHER_TOOL],
                tool_choice={"type": "function", "function": {"name": "weather"}},
            )
    assert refused.value.param == "tool_choice"
    assert refused.value.body["fix"]  # type: ignore[index]
