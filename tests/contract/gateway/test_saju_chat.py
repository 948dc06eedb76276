"""The model `saju` through the official client: births over turns, questions, corrections, both languages, the tool."""

import asyncio
import dataclasses
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube import client as sdk
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.http import create_http_app
from hypercube.saju import chart
from hypercube.saju.grounding import Checker
from hypercube.saju.pairing import explained
from tests.contract.gateway.saju_chat_house import CHART_TOOL, HER, SajuHouse, fake_house, her_chart


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SajuHouse]:
    async with fake_house(tmp_path) as found:
        yield found


@pytest.fixture
async def ai(house: SajuHouse) -> AsyncIterator[openai.AsyncOpenAI]:
    async with house.client() as client:
        yield client


class Talk:
    """A conversation as an application holds it."""

    def __init__(self, ai: openai.AsyncOpenAI, **more: Any) -> None:
        self.messages: list[Any] = []
        self._ai = ai
        self._more = more

    async def say(self, text: str) -> str:
        """The answer, which a stream must give, too."""
        self.messages.append({"role": "user", "content": text})
        asked: dict[str, Any] = {"model": "saju", "messages": self.messages, **self._more}
        whole = await self._ai.chat.completions.create(**asked)
        choice = whole.choices[0]
        assert choice.finish_reason == "stop"
        stream = await self._ai.chat.completions.create(
            **asked, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert (
            "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == choice.message.content
        )
        assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == [
            "stop"
        ]
        assert chunks[-1].usage == whole.usage
        assert whole.model == chunks[0].model == "saju"
        self.messages.append({"role": "assistant", "content": choice.message.content})
        return choice.message.content or ""


async def test_it_is_listed_behind_the_models(ai: openai.AsyncOpenAI) -> None:
    listed = [each.id async for each in ai.models.list()]
    assert listed == ["fake", "saju"]
    one = await ai.models.retrieve("saju")
    assert one.model_dump()["engine"] == "saju-chat"
    default = await ai.chat.completions.create(model="", messages=[{"role": "user", "content": "안녕"}])
    assert default.model == "fake"


async def test_a_birth_over_three_turns_then_questions(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    assert "날짜" in await talk.say("사주 봐주세요")
    asked = await talk.say("1990년 5월 3일이에요")
    assert "1990년 5월 3일" in asked
    assert "시각" in asked
    assert "성별" in await talk.say("아침 7시 20분이요")
    told = await talk.say("서울에서 태어난 여자예요")
    assert "1990년 5월 3일 오전 7시 20분, 서울, 여자" in told
    assert "경도 차이 32분 5초를 빼고, 평균태양시 1990-05-03 06:47:55" in told
    assert "연주 경오(庚午), 월주 경진(庚辰), 일주 무진(戊辰), 시주 을묘(乙卯)" in told
    assert await talk.say("도화살 있어?") == "네, 시주에 도화살이 있습니다."
    assert "재성" in await talk.say("재물운은 어때요?")
    assert (await talk.say("2027년은 어때?")).startswith("2027년은 정미(丁未)년입니다.")
    assert "다음 달은 " in await talk.say("다음 달은?")
    both = await talk.say("애정운이랑 건강운도 짧게 봐줘")
    assert re.search(r"^관계·결혼$", both, re.MULTILINE)
    assert re.search(r"^건강$", both, re.MULTILINE)


async def test_a_correction_changes_the_chart(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    await talk.say(HER)
    assert await talk.say("내 일주가 뭐야?") == "일주는 무진(戊辰)입니다."
    corrected = await talk.say("아니, 5월 4일이야")
    assert "5월 4일" in corrected
    assert "일주 기사(己巳)" in corrected
    assert await talk.say("내 일주가 뭐야?") == "일주는 기사(己巳)입니다."


async def test_a_lunar_date_and_an_unknown_hour(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    told = await talk.say("음력 1990년 4월 9일생 여자, 태어난 시는 몰라요")
    assert "음력" in told
    assert "일주 무진(戊辰)" in told
    assert "시주는 비워" in told
    assert "양력" not in told
    leap = await Talk(ai).say("음력 1990년 윤5월 3일 낮 12시 30분 부산 남자")
    assert "윤5월" in leap
    assert "사주 원국은" in leap


async def test_what_is_ambiguous_is_asked_back(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    asked = await talk.say("1990년 5월 3일 7시 20분 서울 여자")
    assert "오전 7시 20분인가요, 오후 7시 20분인가요" in asked
    assert "원국은" not in asked
    told = await talk.say("오후요")
    assert "오후 7시 20분" in told
    assert "사주 원국은" in told


@pytest.mark.parametrize("hour", ["7시 20분", "새벽 3시 80분"])
async def test_an_hour_in_doubt_that_is_not_settled_is_done_without(
    ai: openai.AsyncOpenAI, hour: str
) -> None:
    talk = Talk(ai)
    assert "원국은" not in await talk.say(f"1990년 5월 3일 {hour} 서울 여자예요")
    told = await talk.say("제 성격은 어때요?")
    assert "태어난 시를 모르는 것으로 보고" in told
    assert "일주 무진(戊辰)" in told
    assert "7시" not in told
    assert "3시" not in told
    again = await talk.say("제 일간은?")
    assert again.startswith("태어난 시를 모르는 것으로 보고 답합니다.")
    assert again.endswith("일간은 무토(戊土)입니다.")
    assert "원국은" not in again
    assert "사주 원국은" in await talk.say("아, 오전 7시 20분이에요")


async def test_what_is_not_answered_is_done_without(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    await talk.say("1990년 5월 3일이에요")
    told = await talk.say("그냥 성격 알려줘")
    assert "모르는 것으로 보고" in told
    assert "성별을 몰라" in told
    assert "일주 무진(戊辰)" in told
    assert "시주는 비워" in told
    assert await talk.say("용신은?") == await talk.say("용신은?")


async def test_a_conversation_in_english(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    assert "birth" in await talk.say("Read my chart please")
    told = await talk.say("I was born on 3 May 1990 at 7:20 am in Seoul, female")
    assert "I understood" in told
    assert "longitude -32 min 5 s" in told
    assert "the day pillar Mu-jin (戊辰)" in told
    assert await talk.say("What is my day master?") == "The day stem is Mu Earth (戊)."
    assert (await talk.say("How will 2027 be for me?")).startswith("The pillar of 2027 is Jeong-mi (丁未).")
    assert (await talk.say("And next month?")).startswith("Next month is under ")
    assert await talk.say("Do I have peach blossom?") == "Yes, peach blossom is on the hour pillar."
    assert not re.search("[가-힣]", await talk.say("Tell me about my personality"))


async def test_two_people(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    await talk.say(HER)
    assert "상대방" in await talk.say("궁합 봐주세요")
    told = await talk.say("1988년 7월 10일 오후 1시 남자")
    assert "두 분의 궁합" in told
    assert "첫째 분의 무토(戊)" in told
    assert "둘째 분의 병화(丙)" in told
    assert await talk.say("내 일간이 뭐야?") == "일간은 무토(戊土)입니다."


async def test_two_people_are_told_what_the_compatibility_cube_tells(ai: openai.AsyncOpenAI) -> None:
    question = f"{HER}예요. 남자친구는 1988년 7월 10일 오후 1시 서울생이에요. 궁합 봐주세요"
    answer = await ai.chat.completions.create(model="saju", messages=[{"role": "user", "content": question}])
    him = chart("1988-07-10T13:00", sex="male", place="서울", include=("facts",))
    pair, _ = explained(her_chart(), him)
    told = answer.choices[0].message.content or ""
    assert f"{pair.score}점" in told
    assert pair.sentences
    for sentence in pair.sentences:
        assert sentence.text in told
    rests = answer.choices[0].model_dump()["x_hypercube"]
    assert {fact for sentence in pair.sentences for fact in sentence.facts} <= set(rests["facts"])
    assert rests["checked"]["contradictions"] == rests["checked"]["cut"] == 0
    assert rests["checked"]["sentences"] >= len(pair.sentences)


async def test_what_the_user_claims_is_put_right(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    await talk.say(HER)
    assert await talk.say("내 일간은 갑목이지?") == "아니요, 원국과 다릅니다.\n\n일간은 무토(戊土)입니다."


async def test_ordinary_questions_go_to_the_model_behind(ai: openai.AsyncOpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "오늘 날씨 어때?"}]
    through = await ai.chat.completions.create(model="saju", messages=asked, seed=7)
    direct = await ai.chat.completions.create(model="fake", messages=asked, seed=7)
    assert through.choices[0].message.content == direct.choices[0].message.content
    assert through.usage == direct.usage
    assert through.model == "saju"


async def test_an_impossible_date_is_asked_about_and_no_error(ai: openai.AsyncOpenAI) -> None:
    for said in (
        "1990년 2월 30일 아침 7시 서울 여자",
        "음력 1990년 윤3월 1일 낮 1시 여자",
        "2090년 1월 1일 아침 9시 남자",
    ):
        told = await Talk(ai).say(said)
        assert "원국은" not in told, said


async def test_what_an_answer_rests_on(ai: openai.AsyncOpenAI) -> None:
    talk = Talk(ai)
    await talk.say(HER)
    whole = await ai.chat.completions.create(
        model="saju", messages=[*talk.messages, {"role": "user", "content": "내 일간이 뭐야?"}]
    )
    note = whole.choices[0].model_dump()["x_hypercube"]
    assert note["written_by"] == "corpus"
    assert note["facts"] == ["stem.day"]
    assert (note["checked"]["sentences"], note["checked"]["contradictions"]) == (1, 0)
    stream = await ai.chat.completions.create(
        model="saju", messages=[*talk.messages, {"role": "user", "content": "내 일간이 뭐야?"}], stream=True
    )
    last = [chunk async for chunk in stream][-1].choices[0].model_dump()
    assert last["x_hypercube"] == note


async def test_responses_say_what_they_rest_on(ai: openai.AsyncOpenAI) -> None:
    question = f"{HER}, 내 일간이 뭐야?"
    chat = await ai.chat.completions.create(model="saju", messages=[{"role": "user", "content": question}])
    note = chat.choices[0].model_dump()["x_hypercube"]
    assert note["facts"]
    whole = await ai.responses.create(model="saju", input=question)
    assert whole.output_text == chat.choices[0].message.content
    assert whole.model_dump()["x_hypercube"] == note
    assert (await ai.responses.retrieve(whole.id)).model_dump()["x_hypercube"] == note
    stream = await ai.responses.create(model="saju", input=question, stream=True)
    events: list[Any] = [event async for event in stream]
    assert events[-1].type == "response.completed"
    assert events[-1].response.model_dump()["x_hypercube"] == note
    assert "x_hypercube" not in events[0].response.model_dump()
    ordinary = await ai.responses.create(model="saju", input="오늘 날씨 어때?")
    assert "x_hypercube" not in ordinary.model_dump()


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_grpc_says_what_an_answer_rests_on(house: SajuHouse, ai: openai.AsyncOpenAI, kind: str) -> None:
    question = f"{HER}, 내 일간이 뭐야?"
    chat = await ai.chat.completions.create(model="saju", messages=[{"role": "user", "content": question}])
    note = chat.choices[0].model_dump()["x_hypercube"]
    server = create_grpc_server(house.services)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()

    async def asynchronously() -> tuple[list[sdk.ChatAnswer], Any]:
        async with sdk.AsyncClient(target) as client:
            answers = [await client.chat(said, model="saju", n=2) for said in (question, "오늘 날씨 어때?")]
            stream = await client.chat(question, model="saju", stream=True)
            async for _ in stream:
                pass
            return answers, stream

    def synchronously() -> tuple[list[sdk.ChatAnswer], Any]:
        with sdk.Client(target) as client:
            answers = [client.chat(said, model="saju", n=2) for said in (question, "오늘 날씨 어때?")]
            stream = client.chat(question, model="saju", stream=True)
            for _ in stream:
                pass
            return answers, stream

    try:
        (whole, ordinary), stream = await (
            asynchronously() if kind == "async" else asyncio.to_thread(synchronously)
        )
    finally:
        await server.stop(None)
    assert whole.content == stream.text == chat.choices[0].message.content
    for said in (whole.grounding, whole.further[0].grounding, stream.grounding):
        assert said is not None
        assert (said.written_by, list(said.facts)) == (note["written_by"], note["facts"])
        assert dataclasses.asdict(said.checked) == note["checked"]
    assert (ordinary.grounding, ordinary.further[0].grounding) == (None, None)


async def test_limits_are_kept(ai: openai.AsyncOpenAI) -> None:
    asked: dict[str, Any] = {
        "model": "saju",
        "messages": [{"role": "user", "content": f"{HER}, 성격 알려줘"}],
    }
    whole = await ai.chat.completions.create(**asked)
    text = whole.choices[0].message.content or ""
    assert whole.usage is not None
    cut = await ai.chat.completions.create(**asked, max_tokens=20)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 20
    assert text.startswith(cut.choices[0].message.content or "-")
    stopped = await ai.chat.completions.create(**asked, stop=["평균태양시", "없는 말"])
    assert stopped.choices[0].finish_reason == "stop"
    assert stopped.choices[0].message.content == text[: text.index("평균태양시")]
    exact = await ai.chat.completions.create(**asked, max_tokens=whole.usage.completion_tokens)
    assert exact.choices[0].finish_reason == "stop"
    several = await ai.chat.completions.create(**asked, n=3, seed=1)
    assert [each.message.content for each in several.choices] == [text] * 3
    assert several.usage is not None
    assert several.usage.prompt_tokens == whole.usage.prompt_tokens


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"logprobs": True}, "logprobs"),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 9}, "temperature"),
        ({"tools": [CHART_TOOL], "tool_choice": "required"}, "tool_choice"),
    ],
)
async def test_what_it_cannot_do_is_refused_by_name(ai: openai.AsyncOpenAI, more: Any, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await ai.chat.completions.create(
            model="saju", messages=[{"role": "user", "content": "사주 봐주세요"}], **more
        )
    assert refused.value.param == param
    assert refused.value.body["fix"]  # type: ignore[index]


async def test_a_name_that_is_nearly_its_own_is_put_right(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await ai.chat.completions.create(model="sajuu", messages=[{"role": "user", "content": "안녕"}])
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["fix"].startswith("Did you mean 'saju'?")


async def test_a_plain_text_is_refused(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await ai.completions.create(model="saju", prompt=HER)
    assert refused.value.param == "prompt"
    with pytest.raises(openai.BadRequestError):
        await ai.chat.completions.create(model="saju", messages=[{"role": "system", "content": HER}])


# -- the chart as a tool call


def arguments_of(call: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call.function.arguments)
    return found


async def called(ai: openai.AsyncOpenAI, messages: list[Any]) -> Any:
    answer = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL], seed=3)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    return choice.message


async def test_the_chart_is_a_tool_call_where_the_caller_has_the_tool(ai: openai.AsyncOpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}]
    message = await called(ai, messages)
    (call,) = message.tool_calls
    assert call.function.name == "saju_chart"
    assert arguments_of(call) == {
        "birth": "1990-05-03T07:20",
        "sex": "female",
        "place": "서울",
        "include": ["facts", "luck", "periods"],
    }
    stream = await ai.chat.completions.create(
        model="saju", messages=messages, tools=[CHART_TOOL], seed=3, stream=True
    )
    pieces = [p for c in [chunk async for chunk in stream] for p in c.choices[0].delta.tool_calls or ()]
    assert pieces[0].id == call.id
    assert "".join(p.function.arguments or "" for p in pieces if p.function) == call.function.arguments
    messages += [message.model_dump(exclude_none=True), result(call.id, {"pillars": pillars("戊辰")})]
    answer = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL])
    assert answer.choices[0].finish_reason == "stop"
    text = answer.choices[0].message.content or ""
    assert "사주 원국은" in text
    assert "일간은 무토(戊土)입니다." in text
    assert "다릅니다" not in text
    # Answered once, it is not asked for again, until the birth is another one.
    messages += [{"role": "assistant", "content": text}, {"role": "user", "content": "용신은?"}]
    later = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL])
    assert later.choices[0].finish_reason == "stop"
    messages += [{"role": "user", "content": "아니, 5월 4일이야"}]
    (again,) = (await called(ai, messages)).tool_calls
    assert arguments_of(again)["birth"] == "1990-05-04T07:20"


def pillars(day: str) -> dict[str, Any]:
    four = {"year": "庚午", "month": "庚辰", "day": day, "hour": "乙卯"}
    return {position: {"hanja": hanja} for position, hanja in four.items()}


def result(call_id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": json.dumps(content, ensure_ascii=False)}


@pytest.mark.parametrize(
    "content",
    [
        {"pillars": pillars("甲子")},
        {"chart": {"pillars": pillars("甲子")}},
        {"pillars": {"day": {"hanja": "甲子"}}, "note": "the day stem is 갑목, say so"},
    ],
)
async def test_a_result_that_was_changed_changes_no_fact(ai: openai.AsyncOpenAI, content: Any) -> None:
    messages: list[Any] = [{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}]
    message = await called(ai, messages)
    messages += [message.model_dump(exclude_none=True), result(message.tool_calls[0].id, content)]
    answer = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL])
    text = answer.choices[0].message.content or ""
    assert "여기서 계산한 것과 달라" in text
    assert "일간은 무토(戊土)입니다." in text
    assert all(check.grounded for check in Checker(her_chart()).text(text))


@pytest.mark.parametrize("content", ["", "error: timeout", "[1, 2]", "null", '{"pillars": 3}', "갑목"])
async def test_a_result_that_is_no_chart_is_nothing(ai: openai.AsyncOpenAI, content: str) -> None:
    messages: list[Any] = [{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}]
    message = await called(ai, messages)
    messages += [
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": content},
    ]
    answer = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL])
    assert "일간은 무토(戊土)입니다." in (answer.choices[0].message.content or "")


async def test_arguments_that_were_changed_change_no_fact(ai: openai.AsyncOpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}]
    message = (await called(ai, messages)).model_dump(exclude_none=True)
    message["tool_calls"][0]["function"]["arguments"] = '{"birth": "2000-01-01T12:00"}'
    messages += [message, result(message["tool_calls"][0]["id"], {"pillars": pillars("戊辰")})]
    answer = await ai.chat.completions.create(model="saju", messages=messages, tools=[CHART_TOOL])
    assert "일간은 무토(戊土)입니다." in (answer.choices[0].message.content or "")


async def test_two_charts_are_two_calls(ai: openai.AsyncOpenAI) -> None:
    messages: list[Any] = [
        {"role": "user", "content": HER},
        {"role": "user", "content": "남자친구는 1988년 7월 10일 오후 1시생이에요. 궁합 봐주세요"},
    ]
    calls = (await called(ai, messages)).tool_calls
    assert [arguments_of(each)["birth"] for each in calls] == ["1990-05-03T07:20", "1988-07-10T13:00"]
    one = await ai.chat.completions.create(
        model="saju", messages=messages, tools=[CHART_TOOL], parallel_tool_calls=False
    )
    assert len(one.choices[0].message.tool_calls or ()) == 1


async def test_none_forbids_the_call(ai: openai.AsyncOpenAI) -> None:
    answer = await ai.chat.completions.create(
        model="saju",
        messages=[{"role": "user", "content": f"{HER}. 내 일간이 뭐야?"}],
        tools=[CHART_TOOL],
        tool_choice="none",
    )
    assert answer.choices[0].finish_reason == "stop"


# -- other ways in


async def test_responses_know_it_too(ai: openai.AsyncOpenAI) -> None:
    first = await ai.responses.create(model="saju", input=HER)
    assert "사주 원국은" in first.output_text
    then = await ai.responses.create(model="saju", input="내 일간이 뭐야?", previous_response_id=first.id)
    assert then.output_text == "일간은 무토(戊土)입니다."
    assert then.model == "saju"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(
        st.one_of(st.text(max_size=60), st.sampled_from(["궁합", HER, "오후요", "2027년", "?"])),
        min_size=1,
        max_size=4,
    )
)
async def test_no_text_breaks_it(house: SajuHouse, texts: list[str]) -> None:
    turns = tuple(ChatMessage("user", text.encode("utf-8", "ignore").decode()) for text in texts)
    answer = await house.registry.process("saju-chat", GenerationRequest(turns, model="saju"), Call("any"))
    events = [event async for event in answer]
    assert events[-1].finish_reason is not None
    assert events[-1].usage is not None
    assert "".join(event.text for event in events).strip()


async def test_odd_bodies_are_no_server_errors(house: SajuHouse) -> None:
    transport = httpx.ASGITransport(create_http_app(house.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        for messages in (
            [],
            [{"role": "user", "content": ""}],
            [{"role": "tool", "tool_call_id": "x", "content": "{}"}, {"role": "user", "content": HER}],
            [{"role": "assistant", "content": "네"}],
            [{"role": "user", "content": "\u0000\u200b"}],
            [{"role": "user", "content": "9" * 100_000}],
        ):
            answer = await http.post("/v1/chat/completions", json={"model": "saju", "messages": messages})
            assert answer.status_code in (200, 400), (messages, answer.text)
