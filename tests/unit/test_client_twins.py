"""`Client` and `AsyncClient` are one interface: same methods, parameters, annotations, defaults and words."""

import inspect
import re
from typing import Any, get_overloads

import pytest

import hypercube
from hypercube import client as sdk
from hypercube.client._models_sync import ModelCalls

SYNC_ONLY = {"__enter__", "__exit__", "__iter__", "__next__"}
ASYNC_ONLY = {"__aenter__", "__aexit__", "__aiter__", "__anext__", "__del__"}
PAIRS = [
    (sdk.Client, sdk.AsyncClient),
    (sdk.ChatStream, sdk.AsyncChatStream),
    (sdk.PillarsStream, sdk.AsyncPillarsStream),
    (sdk.Conversation, sdk.AsyncConversation),
    (sdk.ChatTurn, sdk.AsyncChatTurn),
]
IDS = ["clients", "streams", "columns", "conversations", "turns"]
METHODS = (
    "chart",
    "charts",
    "pillars",
    "pillars_stream",
    "reading",
    "formed_reading",
    "compatibility",
    "terms",
    "lunar",
    "chat",
    "conversation",
    "embed",
    "models",
    "cubes",
    "process",
    "raw",
    "ready",
    "close",
)


def public(cls: type, special: set[str]) -> set[str]:
    own = {name for base in cls.__mro__ if base.__module__.startswith("hypercube") for name in vars(base)}
    return {name for name in own if not name.startswith("_") or name in special}


def described(function: Any) -> list[tuple[str, str, str, str]]:
    """Parameters and result as text, with what asyncio adds taken away."""
    signature = inspect.signature(function, eval_str=True)
    rows = [
        (name, parameter.kind.name, repr(parameter.default), _plain(parameter.annotation))
        for name, parameter in signature.parameters.items()
        if name != "sleep"  # a coroutine function there, a function here
    ]
    return [*rows, ("return", "", "", _plain(signature.return_annotation))]


def _plain(annotation: object) -> str:
    text = inspect.formatannotation(annotation)
    text = re.sub(r"(_conversation)?(_async|_sync)(_streams)?\.", "", text).replace("Async", "")
    text = re.sub(r"collections\.abc\.Awaitable\[(~\w+)\]", r"\1", text)
    # asyncio's client also takes chunks that must be waited for.
    return " | ".join(dict.fromkeys(text.split(" | ")))


@pytest.mark.parametrize(("sync", "twin"), PAIRS, ids=IDS)
def test_twins_have_the_same_members(sync: type, twin: type) -> None:
    assert public(sync, SYNC_ONLY) - SYNC_ONLY == public(twin, ASYNC_ONLY) - ASYNC_ONLY


@pytest.mark.parametrize(("sync", "twin"), PAIRS, ids=IDS)
def test_twins_have_the_same_signatures(sync: type, twin: type) -> None:
    compared = 0
    for name in sorted(public(sync, {"__init__"}) - SYNC_ONLY):
        if not callable(getattr(sync, name)) or (sync is not sdk.Client and name == "__init__"):
            continue
        one, other = getattr(sync, name), getattr(twin, name)
        assert described(one) == described(other), name
        assert [described(variant) for variant in get_overloads(one)] == [
            described(variant) for variant in get_overloads(other)
        ], name
        assert inspect.iscoroutinefunction(other) or name in (
            "__init__",
            "attempts",
            "one_attempt",
            "readiness",
        ), name
        assert not inspect.iscoroutinefunction(one), name
        compared += 1
    assert compared >= (17 if sync is sdk.Client else 1)


def test_these_are_all_the_methods() -> None:
    plumbing = {"target", "attempts", "one_attempt", "readiness"}
    methods = public(sdk.Client, SYNC_ONLY) - SYNC_ONLY - plumbing
    # Those of `admin` are one a command of the contract; tests/contract/gateway/test_model_admin.py calls each.
    admin = {name for name in vars(ModelCalls) if not name.startswith("_")}
    assert methods - admin == set(METHODS)
    assert len(admin) >= 16


def test_twins_say_the_same() -> None:
    for name in METHODS:
        one, other = getattr(sdk.Client, name), getattr(sdk.AsyncClient, name)
        assert one.__doc__ == other.__doc__, name
        assert one.__doc__, name


def test_chat_has_an_overload_for_each_answer() -> None:
    for cls in (sdk.Client, sdk.AsyncClient):
        results = [described(variant)[-1][3] for variant in get_overloads(cls.chat)]
        assert results == ["hypercube.client._answers.ChatAnswer", "hypercube.client.ChatStream"]


def test_the_public_names_are_these() -> None:
    assert sdk.__all__ == sorted(sdk.__all__, key=lambda name: (name != name.upper(), name))
    exported = {
        name for name, value in vars(sdk).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert exported == set(sdk.__all__)
    assert hypercube.Client is sdk.Client
    assert hypercube.AsyncClient is sdk.AsyncClient


def test_not_given_is_not_none() -> None:
    assert repr(sdk.NOT_GIVEN) == "NOT_GIVEN"
    assert sdk.NOT_GIVEN is not None
    for cls in (sdk.Client, sdk.AsyncClient):
        for name in ("__init__", *METHODS):
            parameters = inspect.signature(getattr(cls, name)).parameters
            if name not in ("raw", "close"):
                assert parameters["timeout"].default is sdk.NOT_GIVEN, name
