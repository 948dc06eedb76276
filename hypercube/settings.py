"""One frozen settings tree: `hypercube.toml`, then `HYPERCUBE_*` variables, then flags; later ones win.

A variable is named after its place in the tree: `HYPERCUBE_SERVER_HTTP_PORT` is `server.http_port`. An unknown
key, in the file or in the environment, is an error that names the nearest known one.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.model_registry.catalogue import DEFAULT_MODEL

PREFIX: Final = "HYPERCUBE_"
NO_MODEL: Final = "none"
"""`model.name` of a server that offers charts only."""
_SECRET_WORDS: Final = ("key", "pepper", "redis_url", "secret", "password")
DEFAULT_FILE: Final = Path("hypercube.toml")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(_Section):
    """Where it listens and how it ends."""

    host: str = "127.0.0.1"
    http_port: int = Field(8080, ge=0, le=65535, description="0 takes a free port")
    grpc_port: int = Field(50051, ge=0, le=65535, description="0 takes a free port")
    http_socket: Path | None = Field(
        None, description="a Unix socket in place of the HTTP port, for this user alone"
    )
    grpc_socket: Path | None = Field(
        None, description="a Unix socket in place of the gRPC port, for this user alone"
    )
    allow_remote: bool = Field(False, description="needed to listen on anything but loopback")
    max_body_bytes: int = Field(16 << 20, ge=1024)
    chart_timeout_s: float = Field(10.0, gt=0, le=3600, description="deadline of one chart")
    batch_timeout_s: float = Field(60.0, gt=0, le=3600, description="deadline of a batch of charts")
    chat_timeout_s: float = Field(600.0, gt=0, le=3600, description="deadline of a chat answer")
    cors_origins: tuple[str, ...] = Field(
        (), description="web pages, e.g. https://app.example, that may use this server from a browser"
    )
    max_header_bytes: int = Field(32 << 10, ge=1024, description="of one request, its first line included")
    max_headers: int = Field(100, ge=8)
    max_connections: int = Field(
        10_000,
        ge=1,
        description="of HTTP, and as many of gRPC; fewer where the limit of descriptors is lower",
    )
    max_calls: int = Field(10_000, ge=1, description="gRPC calls open at a time; more are refused at once")
    message_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="for the message of a gRPC call to come"
    )
    header_timeout_s: float = Field(10.0, gt=0, le=3600, description="for a request's head to come")
    body_timeout_s: float = Field(
        30.0, gt=0, le=3600, description="for its body; a second more for each 16 KiB that came"
    )
    read_timeout_s: float = Field(
        60.0, gt=0, le=3600, description="how long a client may take nothing of its answer"
    )
    burst_wait_ms: float = Field(
        1000.0, gt=0, le=60_000, description="how long a request may wait to be begun; above it 429 at once"
    )
    idempotency_s: float = Field(
        600.0, ge=0, le=86_400, description="how long an answer is kept for its idempotency key; 0 keeps none"
    )
    drain_s: float = Field(6.0, ge=0, le=3600, description="how long Ctrl-C waits for answers in flight")
    workers: int = Field(
        1, ge=1, le=256, description="front-end processes; with more than 1 the models get one of their own"
    )
    worker_silence_s: float = Field(
        10.0, ge=1, le=3600, description="a process of the server that shows no sign of life is replaced"
    )


class AccessSettings(_Section):
    """Who may come in, and how much they may ask."""

    mode: Literal["auto", "on"] = Field(
        "auto", description="auto asks for keys unless the server listens on loopback; on always does"
    )
    keys_file: Path | None = Field(None, description="where keys are; default: the user's data folder")
    redis_url: SecretStr = Field(
        SecretStr(""), description="keys and quotas in Redis; default: the variable REDIS_URL"
    )
    redis_away: Literal["open", "closed"] = Field(
        "open",
        description="while Redis is away: open counts in this process and knows recent keys, closed refuses",
    )
    pepper: SecretStr = Field(SecretStr(""), description="makes keys' hashes useless without it")
    cache_s: float = Field(
        1.0, ge=0, le=60, description="how long a key that was good is not looked up again"
    )
    requests: str = Field("", description="quota of keys without their own, e.g. 600/min; empty = none")
    tokens: str = Field("", description="the same of tokens, e.g. 1000000/day")
    open_metrics: bool = Field(False, description="/metrics without a key")
    audit_file: Path | None = Field(None, description="who changed what, as JSON lines; default: the log")
    jwt_keys: str = Field("", description="the JWKS of an identity provider: a file, or an https:// address")
    jwt_issuer: str = Field("", description="the only `iss`")
    jwt_audience: str = Field("", description="the only `aud`")
    jwt_roles_claim: str = "roles"
    jwt_scopes_claim: str = "scope"
    jwt_leeway_s: float = Field(30.0, ge=0, le=300, description="how much its clock may differ from ours")


class TlsSettings(_Section):
    """Encryption of the ports, HTTP and gRPC alike; PEM files. Unix sockets are not encrypted."""

    certificate: Path | None = Field(None, description="the server's, with what signed it behind it")
    key: Path | None = Field(None, description="of the certificate, not encrypted")
    client_ca: Path | None = Field(
        None, description="who signs clients' certificates; then no client gets in without one (mTLS)"
    )


class BatchingSettings(_Section):
    """Bounds of the dynamic batcher."""

    max_items: int = Field(128, ge=1)
    window_ms: float = Field(10.0, ge=0, le=1000)
    max_queued_items: int = Field(4096, ge=1)
    max_queued_rows: int = Field(1 << 20, ge=1)
    max_wait_ms: float = Field(2000.0, gt=0, description="work that may wait before more is refused")


class ModelSettings(_Section):
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


class ModelsSettings(_Section):
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


class CanarySettings(_Section):
    """When requests are taken away from a target of a split that came without bounds of its own."""

    max_error_rate: float = Field(
        0.05, ge=0, le=1, description="share of requests that may fail by its fault"
    )
    max_latency_ratio: float = Field(
        3.0, ge=1, le=1e6, description="how many times production's 95th percentile its own may be"
    )
    min_requests: int = Field(20, ge=1, le=1000, description="requests seen before anything is judged")
    window_s: float = Field(60.0, ge=1, le=3600, description="seconds that a request counts for")


class EmbeddingSettings(_Section):
    """Which model makes embeddings beside the chat model, and how."""

    name: str = Field(NO_MODEL, description="a name of the catalogue that makes embeddings, or `none`")
    context_length: int = Field(4096, ge=16, description="tokens of one text; a model's own limit holds too")
    threads: int | None = Field(None, ge=1, description="default: the cores this process may use")
    device: str = Field("auto", description="auto, cpu, cuda, or one GPU: cuda:0, cuda:1 …")
    precision: str = Field("auto", description="auto, fp32, bf16 or fp16")


class UpstreamSettings(_Section):
    """The OpenAI-compatible server that runs the model when `model.name` is `upstream`."""

    url: str = Field("", description="as for any OpenAI client, e.g. http://127.0.0.1:8000/v1")
    api_key: SecretStr = Field(SecretStr(""), description="sent as a bearer token; empty sends none")
    model: str = Field("", description="the model's name there; empty where the server has a default")
    embeddings: bool = Field(False, description="the model makes embeddings, and no text")
    max_connections: int = Field(64, ge=1, le=65536, description="requests under way to the server at once")
    silence_s: float = Field(60.0, gt=0, le=3600, description="limit of the wait for its next byte")
    health_s: float = Field(1.0, ge=0.1, le=3600, description="between two looks at a server nobody uses")


class ChatSettings(_Section):
    """How the model `saju` answers."""

    saju_model: str = Field(
        "",
        description="served model that retells readings and answers ordinary questions; default: written "
        "sentences, and the first model that generates text",
    )


class ReadingSettings(_Section):
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


class KernelSettings(_Section):
    """Which backend computes pillars."""

    backend: str = "auto"
    cache: Path | None = Field(
        None, description="where compiled kernels are kept; default: the user's cache folder"
    )


class LogSettings(_Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    json_lines: bool | None = Field(None, description="default: JSON unless stderr is a terminal")


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        toml_file=None,
    )

    server: ServerSettings = ServerSettings()
    access: AccessSettings = AccessSettings()
    tls: TlsSettings = TlsSettings()
    batching: BatchingSettings = BatchingSettings()
    model: ModelSettings = ModelSettings()
    models: ModelsSettings = ModelsSettings()
    canary: CanarySettings = CanarySettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    chat: ChatSettings = ChatSettings()
    reading: ReadingSettings = ReadingSettings()
    kernels: KernelSettings = KernelSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the tree.

    Args:
        flags: sections with the values that the command line set.
        file: a TOML file that must exist; None reads `hypercube.toml` of the working folder if it is there.
        environ: the environment to check for unknown names; None means the process's.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the key, the value and the nearest known key.
    """
    _check_environment(os.environ if environ is None else environ)
    if file is not None and not file.is_file():
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"There is no settings file {str(file)!r}.",
            param="--config",
            value=str(file),
        )
    path = file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    given: Any = {section: dict(values) for section, values in (flags or {}).items() if values}
    try:
        return FromFile(**given)
    except tomllib.TOMLDecodeError as error:
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT, f"{path} is not valid TOML: {error}.", param=str(path)
        ) from error
    except ValidationError as error:
        raise _explained(error) from error


def known_keys() -> tuple[str, ...]:
    """Every leaf of the tree as `section.key`."""
    return tuple(
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key in _section_class(field.annotation).model_fields
    )


def _section_class(annotation: Any) -> type[BaseModel]:
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _variables(keys: Iterable[str]) -> dict[str, str]:
    return {PREFIX + key.replace(".", "_", 1).upper(): key for key in keys}


def _check_environment(environ: Mapping[str, str]) -> None:
    known = _variables(known_keys())
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            close = nearest(name, known)
            raise HyperCubeError(
                ErrorKind.INVALID_ARGUMENT,
                f"The environment variable {name} is not a setting.",
                param=name,
                value=_shown_setting(name, environ[name]),
                fix=f"Did you mean {close}?" if close else f"Settings: {', '.join(sorted(known))}.",
            )


def _shown_setting(name: str, value: object) -> object:
    """A secret is not repeated, not even one in the wrong place."""
    lowered = name.lower()
    return "(not shown)" if any(word in lowered for word in _SECRET_WORDS) else value


def _explained(error: ValidationError) -> HyperCubeError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        close = nearest(key, (*known_keys(), *Settings.model_fields))
        return HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"{key} is not a setting.",
            param=key,
            value=_shown_setting(key, first.get("input")),
            fix=f"Did you mean {close}?" if close else f"Settings: {', '.join(known_keys())}.",
        )
    given = _shown_setting(key, first.get("input"))
    return HyperCubeError(
        ErrorKind.INVALID_ARGUMENT,
        f"{key} = {given!r} is not allowed: {first['msg']}.",
        param=key,
        value=given,
    )
