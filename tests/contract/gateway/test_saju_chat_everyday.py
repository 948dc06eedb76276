"""The model `saju` with a chart known: everyday talk goes to the model behind, and what goes on goes on."""

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.contract.gateway.saju_chat_house import HER, SajuHouse, WrittenModel, saju_house

GOLDEN = Path(__file__).parents[2] / "golden" / "conversation" / "everyday.tsv"


def everyday() -> list[str]:
    lines = [line.split("\t") for line in GOLDEN.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [question for question, asked in lines if asked == "none"]


async def said(ai: openai.AsyncOpenAI, *turns: str) -> str:
    messages: list[Any] = [{"role": "user", "content": each} for each in turns]
    answer = await ai.chat.completions.create(model="saju", messages=messages)
    return answer.choices[0].message.content or ""


async def test_everyday_talk_goes_to_the_model() -> None:
    questions = everyday()
    assert len(questions) >= 40
    model = WrittenModel(lambda _: "그렇군요.")
    async with saju_house(model) as house, house.client() as ai:
        for at, question in enumerate(questions, 1):
            assert await said(ai, HER, question) == "그렇군요.", question
            assert len(model.requests) == at, question


@pytest.fixture
async def alone() -> Any:
    async with saju_house(WrittenModel(lambda _: "", models_served=False)) as house:
        yield house


async def test_thanks_do_not_break_the_thread(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        plain = await said(ai, HER, "재물운 어때?")
        more = await said(ai, HER, "재물운 어때?", "고마워요", "더 자세히")
        assert more == await said(ai, HER, "재물운 어때?", "더 자세히")
        assert len(more) > len(plain)


async def test_facts_beside_a_longer_answer_answer_no_question(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        told = await said(ai, HER, "Will I be rich?", "tell me more")
        assert "In your chart: " in told
        assert "Yes:" not in told
        told = await said(ai, HER, "What does eating god mean?")
        assert told.startswith("Eating god is")
        assert "Yes:" not in told
        assert (await said(ai, HER, "Do I have a direct officer?")).startswith(
            ("Yes: ", "No ", "There is no ")
        )


async def test_of_several_days_at_length_the_year_is_told_once(alone: SajuHouse) -> None:
    async with alone.client() as ai:
        told = await said(ai, HER, "이번 주 운세 자세히")
        assert told.count("일진은") == 3
        assert told.count("올해는 병오") == 1
        assert told.count("이번 달은 기해") == 1
