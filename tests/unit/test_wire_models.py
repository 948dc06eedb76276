"""Models on the wire: every command and every outcome comes back as it went."""

import pytest

from hypercube.core.adapters import ServedAdapter
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import (
    ModelAction,
    ModelCommand,
    ModelOutcome,
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    RouteMove,
    StoreCollection,
    StoreGarbage,
)
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel, ServedVersion
from hypercube.wire.convert import (
    ADMIN_METHODS,
    command_from_proto,
    command_to_proto,
    model_from_proto,
    model_to_proto,
)
from hypercube.wire.v1 import models_pb2

MODEL = ServedModel(
    "tiny:style",
    "transformers",
    256,
    "MIT",
    5,
    EngineStatus(EngineState.DOWNLOADING, "12 %", 0.12),
    (Capability.GENERATE, Capability.ADAPTERS),
    "1.0.0",
    True,
    True,
    123,
    (
        ServedVersion(
            "1.0.0", EngineStatus(EngineState.READY, "here"), ("production",), 0.95, 2, 7, 40, 1, 0.5, 1.5
        ),
        ServedVersion(
            "1.1.0", EngineStatus(EngineState.DOWNLOADING, "12 %", 0.12), withdrawn="3 of 20 failed"
        ),
    ),
    "follows",
    "d" * 64,
    parent="tiny",
)
MOVE = RouteMove("m", "2026-11-23T00:00:00.000+00:00", "ops", "canary", "move", None, "1.0.0")
SPLIT = RouteMove(
    "m", "t", "ops", "split", "withdraw", {"canary": 0.5, "production": 9.5}, None, "3 of 20 failed"
)
BOUNDED = RouteMove("m", "t", "ops", "split", "move", None, {"canary": 1.0}, bounds=CanaryBounds(0.02))
ADAPTER = ServedAdapter("style", "style@1.0.0", "e" * 64, "MIT", 7, True, False)
COMMANDS = [
    ModelCommand(ModelAction.LOAD, "m"),
    ModelCommand(ModelAction.UNLOAD, "m"),
    ModelCommand(ModelAction.UNLOAD, "m", drain_s=0.0),
    ModelCommand(ModelAction.PIN, "m"),
    ModelCommand(ModelAction.PIN, "m", pinned=False),
    ModelCommand(ModelAction.ROUTES, "m"),
    ModelCommand(ModelAction.SET_ALIAS, "m", alias="canary", version="1.0.0", expected="0.9.0"),
    ModelCommand(ModelAction.DROP_ALIAS, "m", alias="canary"),
    ModelCommand(ModelAction.SET_SPLIT, "m", weights={"production": 95.0, "canary": 5.0}),
    ModelCommand(
        ModelAction.SET_SPLIT, "m", weights={"canary": 1.0}, bounds=CanaryBounds(0.0, 1.5, 100, 300.0)
    ),
    ModelCommand(ModelAction.DROP_SPLIT, "m"),
    ModelCommand(ModelAction.ROLLBACK, "m", subject="split"),
    ModelCommand(ModelAction.HISTORY, "m"),
    ModelCommand(ModelAction.VERIFY, "m@1.0.0"),
    ModelCommand(ModelAction.COLLECT),
    ModelCommand(ModelAction.COLLECT, dry_run=False, keep=0),
    ModelCommand(ModelAction.REMOVE, "m@1.0.0"),
    ModelCommand(ModelAction.ADAPTERS, "m"),
    ModelCommand(ModelAction.LOAD_ADAPTER, "m", adapter="style", reference="ko-style@2.0.0"),
    ModelCommand(ModelAction.UNLOAD_ADAPTER, "m", adapter="style"),
]
GARBAGE = StoreCollection(True, 9, (StoreGarbage("blobs/x", 9, "nobody's"),))
OUTCOMES = {
    ModelAction.LOAD: ModelOutcome(model=MODEL),
    ModelAction.UNLOAD: ModelOutcome(model=MODEL),
    ModelAction.PIN: ModelOutcome(model=MODEL),
    ModelAction.ROUTES: ModelOutcome(
        routes=ModelRoutes("m", {"canary": "1.0.0"}, {"canary": 1.0}, CanaryBounds(0.5))
    ),
    ModelAction.SET_ALIAS: ModelOutcome(moves=(MOVE,)),
    ModelAction.DROP_ALIAS: ModelOutcome(moves=(MOVE,)),
    ModelAction.SET_SPLIT: ModelOutcome(moves=(SPLIT,)),
    ModelAction.DROP_SPLIT: ModelOutcome(moves=(SPLIT,)),
    ModelAction.ROLLBACK: ModelOutcome(moves=(SPLIT,)),
    ModelAction.HISTORY: ModelOutcome(moves=(MOVE, SPLIT, BOUNDED)),
    ModelAction.VERIFY: ModelOutcome(verification=ModelVerification("m@1.0.0", 2, 2**40, 1.5)),
    ModelAction.COLLECT: ModelOutcome(collection=GARBAGE),
    ModelAction.REMOVE: ModelOutcome(removal=ModelRemoval("m", "", 7)),
    ModelAction.ADAPTERS: ModelOutcome(adapters=(ADAPTER, ADAPTER)),
    ModelAction.LOAD_ADAPTER: ModelOutcome(adapters=(ADAPTER,)),
    ModelAction.UNLOAD_ADAPTER: ModelOutcome(adapters=(ADAPTER,)),
}


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_comes_back_as_it_went(command: ModelCommand) -> None:
    raw = command_to_proto(command).SerializeToString()
    message = ADMIN_METHODS[command.action].request.FromString(raw)
    assert command_from_proto(command.action, message) == command


@pytest.mark.parametrize("action", ModelAction)
def test_an_outcome_comes_back_as_it_went(action: ModelAction) -> None:
    method = ADMIN_METHODS[action]
    reply = method.to_reply(OUTCOMES[action])
    assert isinstance(reply, method.reply)
    assert method.to_outcome(method.reply.FromString(reply.SerializeToString())) == OUTCOMES[action]


def test_a_model_comes_back_as_it_went() -> None:
    assert model_from_proto(model_to_proto(MODEL)) == MODEL


def test_what_no_field_can_hold_is_named() -> None:
    for command, param in (
        (ModelCommand(ModelAction.SET_SPLIT, "m", weights={"a": "much"}), "weights"),  # type: ignore[dict-item]
        (ModelCommand(ModelAction.COLLECT, keep=2**40), "keep"),
        (ModelCommand(ModelAction.SET_SPLIT, "m", bounds=5), "bounds"),  # type: ignore[arg-type]
        (
            ModelCommand(ModelAction.SET_SPLIT, "m", bounds=CanaryBounds(min_requests=20.5)),  # type: ignore[arg-type]
            "bounds.min_requests",
        ),
        (ModelCommand(ModelAction.LOAD, "\ud800"), "model"),
    ):
        with pytest.raises(HyperCubeError) as caught:
            command_to_proto(command)
        assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, param)


def test_bounds_are_those_given_beside_the_defaults_and_one_out_of_range_is_named() -> None:
    def read(**bounds: float) -> ModelCommand:
        given = models_pb2.CanaryBounds(**bounds)  # type: ignore[arg-type]
        message = models_pb2.SetSplitRequest(model="m", weights={"canary": 1}, bounds=given)
        return command_from_proto(ModelAction.SET_SPLIT, message)

    # An explicit 0 is a bound, too: no failure at all.
    assert read(max_error_rate=0.0).bounds == CanaryBounds(max_error_rate=0.0)
    assert read(window_s=1.0, min_requests=1).bounds == CanaryBounds(min_requests=1, window_s=1.0)
    assert read().bounds is None
    for name, value in (("max_error_rate", 1.01), ("max_latency_ratio", 0.5), ("min_requests", 0)):
        with pytest.raises(HyperCubeError) as caught:
            read(**{name: value})
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
        assert (caught.value.param, caught.value.value) == (f"bounds.{name}", value)
        assert caught.value.fix
