"""The sections of what serves: doors, callers, batches, kernels, logs."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from hypercube.settings.section import Section


class ServerSettings(Section):
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
        5000.0, gt=0, le=60_000, description="how long a request may wait to be begun; above it 429 at once"
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


class AccessSettings(Section):
    """Who may come in, and how much they may ask."""

    mode: Literal["auto", "on"] = Field(
        "auto", description="auto asks for keys unless the server listens on loopback; on always does"
    )
    keys_file: Path | None = Field(None, description="where keys are; default: the user's data folder")
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="keys, quotas and answers for idempotency keys in Redis; default: the variable REDIS_URL",
    )
    redis_away: Literal["open", "closed"] = Field(
        "open",
        description="while Redis is away: open counts and remembers in this process and knows recent keys, "
        "closed refuses",
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


class TlsSettings(Section):
    """Encryption of the ports, HTTP and gRPC alike; PEM files. Unix sockets are not encrypted."""

    certificate: Path | None = Field(None, description="the server's, with what signed it behind it")
    key: Path | None = Field(None, description="of the certificate, not encrypted")
    client_ca: Path | None = Field(
        None, description="who signs clients' certificates; then no client gets in without one (mTLS)"
    )


class BatchingSettings(Section):
    """Bounds of the dynamic batcher."""

    max_items: int = Field(128, ge=1)
    window_ms: float = Field(10.0, ge=0, le=1000)
    max_queued_items: int = Field(4096, ge=1)
    max_queued_rows: int = Field(1 << 20, ge=1)
    max_wait_ms: float = Field(2000.0, gt=0, description="work that may wait before more is refused")


class KernelSettings(Section):
    """Which backend computes pillars."""

    backend: str = "auto"
    cache: Path | None = Field(
        None, description="where compiled kernels are kept; default: the user's cache folder"
    )


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    json_lines: bool | None = Field(None, description="default: JSON unless stderr is a terminal")
