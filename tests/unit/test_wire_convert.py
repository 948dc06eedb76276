"""What goes over the wire comes back the same, and what cannot go says which field."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypercube.core.calendar import LuckAge, LunarDate, LunarDay, YearTerms
from hypercube.core.chart import BirthInput, Calendar, ChartResult, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Usage,
)
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel
from hypercube.saju import charts
from hypercube.saju.signs import PILLARS
from hypercube.saju.solar_terms import solar_terms
from hypercube.wire import convert
from hypercube.wire.v1 import calendar_pb2, error_pb2, saju_pb2

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
some = text.filter(bool)
finite = st.floats(allow_nan=False)
births = st.builds(
    BirthInput,
    birth=text,
    sex=st.none() | st.sampled_from(Sex),
    place=st.none() | some,
    longitude=st.none() | finite,
    zone=st.none() | some,
    time_basis=st.none() | st.sampled_from(TimeBasis),
    day_boundary=st.sampled_from(DayBoundary),
    fold=st.none() | st.integers(-(2**31), 2**31 - 1),
    calendar=st.sampled_from(Calendar),
    leap_month=st.booleans(),
    include=st.lists(st.sampled_from(Include)).map(tuple),
    luck_age=st.sampled_from(LuckAge),
    as_of=st.none() | some,
    hidden_stems=st.sampled_from(HiddenStemSet),
    life_stages=st.sampled_from(LifeStageSchool),
    blade=st.sampled_from(BladeSchool),
    goegang=st.sampled_from(GoegangSchool),
)
small = st.none() | st.integers(-(2**31), 2**31 - 1)
number = st.none() | finite
chats = st.builds(
    GenerationRequest,
    messages=st.lists(st.builds(ChatMessage, text, text), max_size=3).map(tuple),
    model=text,
    max_tokens=small,
    sampling=st.builds(
        Sampling,
        temperature=number,
        top_p=number,
        top_k=small,
        min_p=number,
        frequency_penalty=number,
        presence_penalty=number,
        seed=st.none() | st.integers(-(2**63), 2**63 - 1),
        stop=st.lists(text, max_size=3).map(tuple),
    ),
)
events = st.builds(
    GenerationEvent,
    text=text,
    finish_reason=st.none() | st.sampled_from(FinishReason),
    usage=st.none() | st.builds(Usage, st.integers(0, 2**29), st.integers(0, 2**29)),
)
failures = st.builds(
    Failure,
    kind=st.sampled_from(ErrorKind),
    message=text,
    param=st.none() | some,
    value=st.none() | some,
    fix=st.none() | some,
    details=st.none() | st.dictionaries(some, st.integers() | text | st.lists(text), min_size=1),
    retry_after_s=st.none() | finite,
)


@given(births)
def test_births(birth: BirthInput) -> None:
    sent = saju_pb2.Birth.FromString(convert.birth_to_proto(birth).SerializeToString())
    assert convert.birth_from_proto(sent) == birth


@given(chats)
def test_chats(request: GenerationRequest) -> None:
    assert convert.chat_request_from_proto(convert.chat_request_to_proto(request)) == request


@given(events)
def test_events(event: GenerationEvent) -> None:
    sent = convert.event_to_proto(event, id="a", model="b")
    assert (sent.id, sent.model) == ("a", "b")
    assert convert.event_from_proto(sent) == event


@given(failures)
def test_failures(failure: Failure) -> None:
    sent = error_pb2.Error.FromString(convert.error_to_proto(failure).SerializeToString())
    assert convert.error_from_proto(sent) == failure


@pytest.mark.parametrize("progress", [None, 0.0, 0.5])
def test_models(progress: float | None) -> None:
    status = EngineStatus(EngineState.DOWNLOADING, "on its way", progress)
    model = ServedModel("m", "e", 4096, "MIT", 1_790_000_000, status)
    assert convert.model_from_proto(convert.model_to_proto(model)) == model


@pytest.mark.parametrize(
    "birth",
    [
        BirthInput("1990-05-03T07:20", sex=Sex.MALE, place="Seoul"),
        BirthInput("1990-05-03"),
        BirthInput("1990-02-04T11:13:30", place="서울", time_basis=TimeBasis.CIVIL),
        BirthInput("1988-10-09T02:30", fold=1, day_boundary=DayBoundary.ZI23, longitude=129.0),
        BirthInput("1990-02-04"),  # 입춘 falls on this day: candidates
        BirthInput("1990-02-31"),
        BirthInput("2020-04-01T05:06", calendar=Calendar.LUNAR, leap_month=True),
        BirthInput("1990-05-03T07:20", Sex.MALE, "Seoul", include=tuple(Include)),
        BirthInput("2060-05-03T07:20", Sex.FEMALE, include=tuple(Include), luck_age=LuckAge.YMD),
        BirthInput("1990-02-04", Sex.FEMALE, include=tuple(Include), as_of="2024-02-04"),
        BirthInput(
            "1990-05-03T07:20",
            include=(Include.FACTS,),
            hidden_stems=HiddenStemSet.CHINESE,
            life_stages=LifeStageSchool.YIN_FORWARD,
            blade=BladeSchool.ALL_STEMS,
            goegang=GoegangSchool.SIX_PILLARS,
        ),
    ],
    ids=lambda birth: birth.birth,
)
def test_charts(birth: BirthInput) -> None:
    (result,) = charts([birth])
    sent = saju_pb2.ChartResult.FromString(convert.result_to_proto(result).SerializeToString())
    assert convert.result_from_proto(sent) == result
    if result.chart is not None:
        reply = convert.chart_to_proto(result.chart)
        assert convert.chart_from_proto(reply) == result.chart


def test_candidates_travel() -> None:
    (result,) = charts([BirthInput("1990-02-04")])
    assert result.chart is not None
    assert len(result.chart.candidates) == 2
    assert convert.chart_from_proto(convert.chart_to_proto(result.chart)) == result.chart


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"fold": 2**31}, "fold"),
        ({"birth": 5}, "birth"),
        ({"birth": "\ud800"}, "birth"),
        ({"place": ["Seoul"]}, "place"),
        ({"longitude": "east"}, "longitude"),
        ({"sex": "man"}, "sex"),
    ],
)
def test_what_a_field_cannot_hold_is_named(change: dict[str, Any], param: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        convert.birth_to_proto(replace(BirthInput("1990-05-03"), **change))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)


def test_what_a_message_cannot_hold_is_named_with_its_place() -> None:
    request = GenerationRequest((ChatMessage("user", "x"), ChatMessage("user", 5)))  # type: ignore[arg-type]
    with pytest.raises(HyperCubeError) as caught:
        convert.chat_request_to_proto(request)
    assert caught.value.param == "messages[1].content"


@pytest.mark.parametrize(
    "field",
    [
        "sex",
        "time_basis",
        "day_boundary",
        "calendar",
        "luck_age",
        "hidden_stems",
        "life_stages",
        "blade",
        "goegang",
    ],
)
def test_an_enum_number_from_nowhere_is_named(field: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        convert.birth_from_proto(saju_pb2.Birth(birth="1990-05-03", **{field: 9}))  # type: ignore[arg-type]
    assert (caught.value.param, caught.value.value) == (field, 9)
    assert "1 = " in str(caught.value.fix)


@pytest.mark.parametrize("number", [0, 9])
def test_a_part_from_nowhere_is_named(number: int) -> None:
    with pytest.raises(HyperCubeError) as caught:
        convert.birth_from_proto(saju_pb2.Birth(birth="1990-05-03", include=[1, number]))  # type: ignore[list-item]
    assert (caught.value.param, caught.value.value) == ("include[1]", number)
    assert "luck" in str(caught.value.fix)


@given(
    st.builds(
        LunarDay,
        solar=text,
        lunar=st.builds(LunarDate, *([st.integers(0, 3000)] * 3), st.booleans()),
        month_days=st.integers(29, 30),
        leap_month=st.none() | st.integers(1, 12),
        day=st.sampled_from(PILLARS),
    )
)
def test_lunar_days(day: LunarDay) -> None:
    sent = calendar_pb2.LunarDay.FromString(convert.to_message(day).SerializeToString())
    assert convert.from_message(LunarDay, sent) == day


def test_terms_travel() -> None:
    terms = YearTerms(2026, "Asia/Seoul", solar_terms(2026))
    sent = calendar_pb2.YearTerms.FromString(convert.to_message(terms).SerializeToString())
    assert convert.from_message(YearTerms, sent) == terms


def test_a_kind_from_a_newer_server_keeps_its_message() -> None:
    failure = convert.error_from_proto(error_pb2.Error(kind="quota_exceeded", message="no more"))
    assert (failure.kind, failure.message) == (ErrorKind.INTERNAL, "no more")


def test_values_and_extras_become_text() -> None:
    failure = Failure(ErrorKind.INVALID_ARGUMENT, "m\ud800", value=200.5, details={"choices": ["서울"]})
    message = convert.error_to_proto(failure)
    assert (message.value, message.message) == ("200.5", "m?")
    assert json.loads(message.details_json) == {"choices": ["서울"]}


def test_a_row_holds_one_of_the_two() -> None:
    with pytest.raises(ValueError, match="neither"):
        convert.result_to_proto(ChartResult())
