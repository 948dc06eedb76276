"""The sections of models, and of what is written with them."""

from pathlib import Path
from typing import Final, Literal

from pydantic import ByteSize, Field, SecretStr

from hypercube.model_registry.catalogue import DEFAULT_MODEL
from hypercube.settings.section import Section

NO_MODEL: Final = "none"
"""`model.name` of a server that offers charts only."""


class ModelSettings(Section):
    """Which chat model is served, and how."""

    name: str = Field(DEFAULT_MODEL, description="a name of the catalogue, `fake`, `upstream`, or `none`")
    dir: Path | None = Field(None, description="where models are stored; default: the user's cache folder")
    context_length: int = Field(4096, ge=256, description="tokens of prompt and answer together, per slot")
    slots: int = Field(2, ge=1, le=256, description="answers generated at once")
    max_queued: int = Field(64, ge=0)
    memory_budget: ByteSize | Literal["auto"] = Field(
        "auto", description="what all loaded models may take together: bytes, 6GB, 24GiB; auto: no limit"
    )
    threads: int | None = Field(None, ge=1, description="default: the cores this process may use")
    engine: str = Field(
        "auto",
        description="auto, llama.cpp, transformers or vllm; for the last two a GGUF model is converted first",
    )
    device: str = Field("auto", description="auto, cpu, cuda, or one GPU: cuda:0, cuda:1 …")
    precision: str = Field("auto", description="auto, fp32, bf16, fp16, fp8, int8 or int4")
    tensor_parallel: int = Field(1, ge=1, description="devices (processes on a CPU) that share each layer")
    pipeline_parallel: int = Field(1, ge=1, description="devices that share the layers out")
    adapters: int = Field(
        0, ge=0, le=64, description="LoRA adapters loaded at once, with vllm or transformers; 0 takes none"
    )


class ModelsSettings(Section):
    """Models served beside the one of `[model]`, and how models share the machine."""

    also: tuple[str, ...] = Field(
        (), description="names of the catalogue; each is loaded by the first request for it, which waits"
    )
    max_loading: int = Field(1, ge=1, le=64, description="loaded at a time; 100 more wait for their turn")
    min_residency_s: float = Field(
        5.0, ge=0, le=3600, description="what a model in use is left before it makes room for another one"
    )
    min_residents: int = Field(
        1, ge=1, description="models left in memory when others make room, the newcomer counted"
    )


class CanarySettings(Section):
    """When requests are taken away from a target of a split that came without bounds of its own."""

    max_error_rate: float = Field(
        0.05, ge=0, le=1, description="share of requests that may fail by its fault"
    )
    max_latency_ratio: float = Field(
        3.0, ge=1, le=1e6, description="how many times production's 95th percentile its own may be"
    )
    min_requests: int = Field(20, ge=1, le=1000, description="requests seen before anything is judged")
    window_s: float = Field(60.0, ge=1, le=3600, description="seconds that a request counts for")


class EmbeddingSettings(Section):
    """Which model makes embeddings beside the chat model, and how."""

    name: str = Field(NO_MODEL, description="a name of the catalogue that makes embeddings, or `none`")
    context_length: int = Field(4096, ge=16, description="tokens of one text; a model's own limit holds too")
    threads: int | None = Field(None, ge=1, description="default: the cores this process may use")
    device: str = Field("auto", description="auto, cpu, cuda, or one GPU: cuda:0, cuda:1 …")
    precision: str = Field("auto", description="auto, fp32, bf16 or fp16")


class UpstreamSettings(Section):
    """The OpenAI-compatible server that runs the model when `model.name` is `upstream`."""

    url: str = Field("", description="as for any OpenAI client, e.g. http://127.0.0.1:8000/v1")
    api_key: SecretStr = Field(SecretStr(""), description="sent as a bearer token; empty sends none")
    model: str = Field("", description="the model's name there; empty where the server has a default")
    embeddings: bool = Field(False, description="the model makes embeddings, and no text")
    max_connections: int = Field(64, ge=1, le=65536, description="requests under way to the server at once")
    silence_s: float = Field(60.0, gt=0, le=3600, description="limit of the wait for its next byte")
    health_s: float = Field(1.0, ge=0.1, le=3600, description="between two looks at a server nobody uses")


class ChatSettings(Section):
    """How the model `saju` answers."""

    saju_model: str = Field(
        "",
        description="served model that retells readings and answers ordinary questions; default: written "
        "sentences, and the first model that generates text",
    )


class ReadingSettings(Section):
    """Who writes readings, and how a model does."""

    writer: Literal["corpus", "model"] = Field(
        "corpus", description="who writes where a request leaves it open"
    )
    model: str = Field("", description="which served model writes; default: the first that generates text")
    prompt: str = Field("", description="id of a template, NAME@VERSION; default: the one that won")
    section_s: float = Field(
        30.0, gt=0, le=600, description="what a model may take for a section; then the corpus writes it"
    )
    attempts: int = Field(
        2, ge=1, le=5, description="how often it is asked for a section, its first time counted"
    )
