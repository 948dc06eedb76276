"""What the SDK takes for a birth, a chat and a cube's request, and what it says of the rest."""

import datetime as dt
import re
from collections import OrderedDict
from typing import Any

import pytest

from hypercube.client import BirthInput, ChatMessage, InvalidArgument, PayloadTooLarge, Sex
from hypercube.client import _requests as requests
from hypercube.wire.convert import birth_from_proto

SEOUL = dt.timezone(dt.timedelta(hours=9))


def sent(birth: Any, **options: Any) -> BirthInput:
    return birth_from_proto(requests.chart_request(birth, **options))


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        ("1990-05-03T07:20", "1990-05-03T07:20"),
        ("1990-05-03 07:20", "1990-05-03 07:20"),
        (dt.datetime(1990, 5, 3, 7, 20), "1990-05-03T07:20:00"),
        (dt.datetime(1990, 5, 3, 7, 20, 5, 999_999), "1990-05-03T07:20:05"),
        (dt.date(1990, 5, 3), "1990-05-03"),
        (BirthInput("1990-05-03"), "1990-05-03"),
    ],
    ids=repr,
)
def test_births(birth: Any, text: str) -> None:
    assert sent(birth) == BirthInput(text)


def test_a_datetime_brings_its_fold_and_a_given_fold_wins() -> None:
    second = dt.datetime(1988, 10, 9, 2, 30, fold=1)
    assert sent(second).fold == 1
    assert sent(second, fold=0).fold == 0
    assert sent(second.replace(fold=0)).fold is None


def test_options_inside_a_birth_input_travel() -> None:
    birth = BirthInput("1990-05-03", Sex.MALE, longitude=0.0, fold=0)
    assert sent(birth) == birth
    assert sent(birth, sex=Sex.MALE) == birth, "the same thing said twice is no contradiction"


@pytest.mark.parametrize(
    ("birth", "options", "param", "words"),
    [
        (dt.datetime(1990, 5, 3, 7, 20, tzinfo=SEOUL), {}, "birth", 'zone="Asia/Seoul"'),
        (dt.datetime(1990, 5, 3, 7, 20, tzinfo=dt.UTC), {}, "birth", '"1990-05-03T07:20"'),
        (19900503, {}, "birth", '"1990-05-03T07:20"'),
        (None, {}, "birth", '"1990-05-03T07:20"'),
        (dt.time(7, 20), {}, "birth", "time"),
        ("\ud800", {}, "birth", "birth"),
        (BirthInput("1990-05-03"), {"place": "Seoul"}, "place", "beside a BirthInput"),
        (BirthInput("1990-05-03", day_boundary="zi24"), {}, "day_boundary", "zi23"),
        ("x", {"sex": "mail"}, "sex", "Did you mean 'male'?"),
        ("x", {"sex": "xyz"}, "sex", "male, female"),
        ("x", {"sex": 1}, "sex", "male, female"),
        ("x", {"time_basis": "solar"}, "time_basis", "true_solar"),
        ("x", {"day_boundary": ""}, "day_boundary", "same_day"),
        ("x", {"place": ""}, "place", "Leave place out"),
        ("x", {"zone": ""}, "zone", "Leave zone out"),
        ("x", {"place": 3}, "place", "3"),
        ("x", {"longitude": "127"}, "longitude", "127"),
        ("x", {"fold": 2**40}, "fold", "1099511627776"),
        ("x", {"fold": 0.5}, "fold", "0.5"),
    ],
)
def test_what_is_no_birth(birth: Any, options: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)) as caught:
        sent(birth, **options)
    assert caught.value.param == param


def test_rows_of_every_kind() -> None:
    rows = [
        "1990-05-03",
        dt.date(1990, 5, 4),
        BirthInput("1990-05-05", Sex.FEMALE),
        OrderedDict(birth=dt.datetime(1990, 5, 6, 7, 20), sex="male", longitude=127, fold=None),
    ]
    message = requests.charts_request(iter(rows))
    assert [birth_from_proto(birth) for birth in message.births] == [
        BirthInput("1990-05-03"),
        BirthInput("1990-05-04"),
        BirthInput("1990-05-05", Sex.FEMALE),
        BirthInput("1990-05-06T07:20:00", Sex.MALE, longitude=127.0),
    ]


def test_an_empty_batch_is_the_servers_to_refuse() -> None:
    assert not requests.charts_request([]).births


@pytest.mark.parametrize(
    ("births", "param", "words"),
    [
        ("1990-05-03", "births", "charts([birth])"),
        ({"birth": "1990-05-03"}, "births", "charts([birth])"),
        (BirthInput("1990-05-03"), "births", "charts([birth])"),
        (5, "births", "charts([birth])"),
        (None, "births", "charts([birth])"),
        (["x", {"place": "Seoul"}], "births[1].birth", "is missing"),
        (["x", {"birth": "x", "palce": "Seoul"}], "births[1].palce", "Did you mean 'place'?"),
        (["x", {"birth": "x", 7: "Seoul"}], "births[1].7", "Known fields: as_of, birth"),
        (["x", {"birth": "x", "sex": "mail"}], "births[1].sex", "Did you mean 'male'?"),
        (["x", {"birth": "x", "longitude": "east"}], "births[1].longitude", "east"),
        (["x", 5], "births[1].birth", "should be a string"),
        (["x", BirthInput("x", fold=2**40)], "births[1].fold", "fold"),
    ],
)
def test_what_is_no_batch(births: Any, param: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(words)) as caught:
        requests.charts_request(births)
    assert caught.value.param == param


def test_an_endless_batch_ends() -> None:
    def forever() -> Any:
        while True:
            yield "1990-05-03"

    with pytest.raises(InvalidArgument, match="more than 10,000"):
        requests.charts_request(forever())


def chat(messages: Any, **options: Any) -> Any:
    return requests.chat_request(messages, options)


@pytest.mark.parametrize(
    ("messages", "options", "param"),
    [
        (5, {}, "messages"),
        (None, {}, "messages"),
        ({"role": "user", "content": "x"}, {}, "messages"),
        (ChatMessage("user", "x"), {}, "messages"),
        (["x"], {}, "messages[0]"),
        ([{"role": "user"}], {}, "messages[0]"),
        ([{"role": "user", "content": "x", "name": "y"}], {}, "messages[0]"),
        ([{"role": "user", "content": "x"}, {"role": "user", "content": 5}], {}, "messages[1].content"),
        ([ChatMessage("\udfff", "x")], {}, "messages[0].role"),
        ("x", {"model": 5}, "model"),
        ("x", {"max_tokens": 2**40}, "max_tokens"),
        ("x", {"max_tokens": 1.5}, "max_tokens"),
        ("x", {"temperature": "hot"}, "temperature"),
        ("x", {"seed": 2**70}, "seed"),
        ("x", {"stop": 5}, "stop"),
        ("x", {"stop": [5]}, "stop"),
    ],
)
def test_what_is_no_chat(messages: Any, options: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        chat(messages, **options)
    assert caught.value.param == param


def test_an_empty_chat_is_the_servers_to_refuse() -> None:
    assert not chat([]).messages
    assert chat("").messages[0].content == ""
    assert chat("x", max_tokens=-1).max_tokens == -1


@pytest.mark.parametrize(
    "request_",
    [[1], "x", None, {"x": float("nan")}, {"x": object()}, {"x": "\ud800"}, {"x": {1, 2}}],
    ids=repr,
)
def test_what_is_no_cube_request(request_: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        requests.process_request("echo", request_)
    assert caught.value.param == "request"
    assert caught.value.fix


def test_a_cube_name_is_text() -> None:
    with pytest.raises(InvalidArgument) as caught:
        requests.process_request(5, {})  # type: ignore[arg-type]
    assert caught.value.param == "cube"


def test_the_size_at_the_limit_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    message = requests.process_request("echo", {"text": "x" * 100})
    monkeypatch.setattr(requests, "MAX_MESSAGE_BYTES", message.ByteSize())
    assert requests.checked_size(message, "/x/Y") is message
    monkeypatch.setattr(requests, "MAX_MESSAGE_BYTES", message.ByteSize() - 1)
    with pytest.raises(PayloadTooLarge, match=f"{message.ByteSize()} bytes"):
        requests.checked_size(message, "/x/Y")
