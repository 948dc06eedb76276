"""The JSON bodies of the Open Inference Protocol v2, as types: for the documentation."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

Parameters = dict[str, bool | int | float | str]


class InferenceErrorBody(TypedDict):
    """Why a request failed, and what to send instead."""

    error: str


class InferenceInput(TypedDict):
    """A tensor: its elements in `data`, or behind the JSON (`binary_data_size`), or in shared memory."""

    name: str
    datatype: str
    shape: list[int]
    parameters: NotRequired[Parameters]
    data: NotRequired[list[Any]]


class InferenceWanted(TypedDict):
    """An output by name; `binary_data` true puts it behind the JSON."""

    name: str
    parameters: NotRequired[Parameters]


class InferenceBody(TypedDict):
    """What a model is asked."""

    id: NotRequired[str]
    parameters: NotRequired[Parameters]
    inputs: list[InferenceInput]
    outputs: NotRequired[list[InferenceWanted]]


class InferenceAnswerBody(TypedDict):
    """What a model answers."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    parameters: NotRequired[Parameters]
    outputs: list[InferenceInput]


class ServerBody(TypedDict):
    """Who answers, and which extensions of the protocol it has."""

    name: str
    version: str
    extensions: list[str]


class TensorBody(TypedDict):
    """What a model takes or gives; a size of -1 is any."""

    name: str
    datatype: str
    shape: list[int]


class InferenceModelBody(TypedDict):
    """What a model is."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorBody]
    outputs: list[TensorBody]


class InferenceLiveBody(TypedDict):
    """The process answers."""

    live: bool


class InferenceReadyBody(TypedDict):
    """Whether the server, or a model of it, answers."""

    name: NotRequired[str]
    ready: bool


class IndexAskedBody(TypedDict):
    """Which models to list."""

    ready: NotRequired[bool]


class IndexBody(TypedDict):
    """A model in the index."""

    name: str
    version: str
    state: str
    reason: str


class LoadBody(TypedDict):
    """No parameters are taken."""

    parameters: NotRequired[dict[str, Any]]


class NothingBody(TypedDict):
    """Done."""


class RegisterBody(TypedDict):
    """A range of bytes of a POSIX shared-memory object."""

    key: str
    offset: NotRequired[int]
    byte_size: int


class RegionBody(TypedDict):
    """A registered range."""

    name: str
    key: str
    offset: int
    byte_size: int


class DurationBody(TypedDict):
    """How often, and how long in all."""

    count: int
    ns: int


class InferenceStatsBody(TypedDict):
    """Where the time of a model's requests went."""

    success: DurationBody
    fail: DurationBody
    queue: DurationBody
    compute_input: DurationBody
    compute_infer: DurationBody
    compute_output: DurationBody


class ModelStatsBody(TypedDict):
    """The counters of a model."""

    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatsBody
    batch_stats: list[Any]


class StatsBody(TypedDict):
    """The counters of one model, or of all."""

    model_stats: list[ModelStatsBody]
