"""What a client is made with: its address, its credentials, its limits, each refused here if gRPC would misread it."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc

from hypercube._version import __version__
from hypercube.client import _constants as const
from hypercube.client.exceptions import invalid
from hypercube.core.errors import shown


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""Left out, which is not the same as None: `timeout=None` means no deadline, a timeout that is left out means the
client's, and the client's left out means the default of the method."""

Timeout: TypeAlias = float | NotGiven | None
"""Seconds, None for no deadline, or NOT_GIVEN for the default."""
Metadata: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
"""Metadata to send with every call, such as `{"authorization": "Bearer …"}`."""
Pem: TypeAlias = bytes | str | Path
"""PEM text as bytes, or the path of a file of it."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted, and who is believed.

    Attributes:
        ca: who may have signed the server's certificate; None for the authorities that gRPC ships with.
        certificate: this client's own, for a server that asks for one (mTLS), with what signed it behind it.
        key: of that certificate.
        server_name: the name that the server's certificate must bear, where it is not the one in the target.
    """

    ca: Pem | None = None
    certificate: Pem | None = None
    key: Pem | None = None
    server_name: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read what is given.

        Raises:
            InvalidArgument: a file that cannot be read, is no PEM, or one of certificate and key without the other.
        """
        if (self.certificate is None) != (self.key is None):
            missing = "key" if self.key is None else "certificate"
            raise invalid(
                f"tls has no {missing}.",
                param=f"tls.{missing}",
                fix="Give certificate and key, or neither: they belong together.",
            )
        return grpc.ssl_channel_credentials(
            root_certificates=_pem("tls.ca", self.ca),
            private_key=_pem("tls.key", self.key),
            certificate_chain=_pem("tls.certificate", self.certificate),
        )


def _pem(param: str, given: Pem | None) -> bytes | None:
    if given is None:
        return None
    if isinstance(given, bytes):
        text, where = given, "these bytes"
    else:
        where = str(given)
        try:
            text = Path(given).read_bytes()
        except OSError as error:
            raise invalid(
                f"{param} cannot be read: {error}.",
                param=param,
                value=where,
                fix="Give the path of a PEM file.",
            ) from None
    if b"-----BEGIN " not in text:
        raise invalid(
            f"{param} is no PEM: {where}.", param=param, fix='A PEM file begins with "-----BEGIN …".'
        )
    return text


_SCHEMES: Final = ("unix:", "unix-abstract:", "vsock:", "dns:", "ipv4:", "ipv6:", "xds:")
_HOST_PORT: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):(\d{1,5})")
_LOOPBACK: Final = ("127.", "localhost:", "[::1]:", "unix")
_METADATA_KEY: Final = re.compile(r"[a-z0-9_.-]+")
_IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,255}")


def credentials_of(tls: Tls | bool | None) -> grpc.ChannelCredentials | None:
    """The credentials of a channel; None for one that is not encrypted."""
    if tls is None or tls is False:
        return None
    if tls is True:
        return Tls().credentials()
    if isinstance(tls, Tls):
        return tls.credentials()
    raise invalid(f"tls is {shown(tls)!r}.", param="tls", value=tls, fix='Give True, or Tls(ca="ca.pem", …).')


def authorization(
    api_key: str | None, metadata: tuple[tuple[str, str], ...], target: str, *, secure: bool
) -> tuple[tuple[str, str], ...]:
    """The metadata with the key in it.

    Raises:
        InvalidArgument: a key that cannot be sent, that is given twice, or that others on the way could read.
    """
    if api_key is None:
        return metadata
    if not re.fullmatch(r"[!-~]+", api_key):
        raise invalid(
            "api_key cannot be sent.",  # not shown: it may be a key to something
            param="api_key",
            fix="A key is printable ASCII text without spaces, as the server gave it.",
        )
    if any(key == "authorization" for key, _ in metadata):
        raise invalid(
            "api_key is given beside an authorization in metadata.", param="api_key", fix="Give one of them."
        )
    if not secure and not target.startswith(_LOOPBACK):
        raise invalid(
            f"api_key would travel to {target} for all to read.",
            param="api_key",
            fix='Give tls=True, or tls=Tls(ca="ca.pem"). Where the network itself is private: '
            'metadata={"authorization": "Bearer <key>"}.',
        )
    return (*metadata, ("authorization", f"Bearer {api_key}"))


def checked_hedge(seconds: Any) -> float | None:
    """Seconds above 0, or None."""
    if seconds is None:
        return None
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if number and math.isfinite(seconds) and seconds > 0.0:
        return float(seconds)
    raise invalid(
        f"hedge_after is {shown(seconds)}.",
        param="hedge_after",
        value=seconds,
        fix="Give seconds above 0, for instance the 95th percentile of what calls take; None never hedges.",
    )


def checked_choices(n: object, *, stream: bool) -> int:
    """How many answers are wanted: one, of a stream."""
    if isinstance(n, int) and not isinstance(n, bool) and n >= 1 and (n == 1 or not stream):
        return n
    raise invalid(
        f"n is {shown(n)!r}{' of a stream' if stream else ''}.",
        param="n",
        value=n,
        fix="A stream has one answer: open several, or leave stream out." if stream else "Write 1 to 16.",
    )


def checked_idempotency_key(key: object) -> str | None:
    """A key that metadata can carry, or None."""
    if key is None or (isinstance(key, str) and _IDEMPOTENCY_KEY.fullmatch(key)):
        return key
    raise invalid(
        f"idempotency_key is {shown(key)!r}.",
        param="idempotency_key",
        value=key,
        fix="Write up to 255 printable ASCII characters without spaces, for instance uuid.uuid4().hex.",
    )


def checked_target(target: object) -> str:
    """An address that gRPC will not misread: it takes a missing port for 443, and a URL for a host name."""
    if isinstance(target, str):
        if target.startswith(_SCHEMES):
            return target
        match = _HOST_PORT.fullmatch(target)
        if match and 0 < int(match[1]) < 65536:
            return target
    raise invalid(
        f"target is {shown(target)!r}.",
        param="target",
        value=target,
        fix=f'Write host:port of the gRPC port, without http://: Client("{const.DEFAULT_TARGET}"); or unix:/path.',
    )


def checked_timeout(timeout: object) -> Timeout:
    """Seconds above 0, None, or NOT_GIVEN."""
    if timeout is None or isinstance(timeout, NotGiven):
        return timeout
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        seconds = float(timeout)
        if math.isfinite(seconds) and 0.0 < seconds <= const.MAX_TIMEOUT_S:
            return seconds
    raise invalid(
        f"timeout is {shown(timeout)}.",
        param="timeout",
        value=timeout,
        fix=f"Give seconds above 0 and up to {const.MAX_TIMEOUT_S:.0e}, or None for no deadline.",
    )


def checked_retries(retries: object) -> int:
    """A whole number from 0."""
    if isinstance(retries, int) and not isinstance(retries, bool) and retries >= 0:
        return retries
    raise invalid(
        f"max_retries is {shown(retries)}.",
        param="max_retries",
        value=retries,
        fix="Give 0 or a small whole number.",
    )


def checked_metadata(metadata: Metadata) -> tuple[tuple[str, str], ...]:
    """Pairs that gRPC can send; it answers others with INTERNAL."""
    pairs = tuple(metadata.items() if isinstance(metadata, Mapping) else metadata)
    for key, value in pairs:
        usable = isinstance(key, str) and _METADATA_KEY.fullmatch(key) and not key.startswith("grpc-")
        if not usable or key.endswith("-bin"):
            raise invalid(
                f"metadata key {shown(key)!r} cannot be sent.",
                param="metadata",
                value=key,
                fix="Keys are lower-case letters, digits, - _ and ., and begin not with grpc- nor end with -bin.",
            )
        if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise invalid(
                f"the metadata value of {key!r} cannot be sent.",  # not shown: it may be a key to something
                param="metadata",
                fix="Values are printable ASCII text; encode others, for example with urllib.parse.quote.",
            )
    return pairs


def channel_options(target: str, server_name: str | None = None) -> list[tuple[str, str | int]]:
    """Options of every channel: limits, keep-alive, quick reconnects."""
    named: list[tuple[str, str | int]] = (
        [] if server_name is None else [("grpc.ssl_target_name_override", server_name)]
    )
    return [
        *named,
        ("grpc.max_send_message_length", const.MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", const.MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", const.KEEPALIVE_TIME_S * 1000),
        ("grpc.keepalive_timeout_ms", const.KEEPALIVE_TIMEOUT_S * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", int(const.RECONNECT_S * 1000)),
        ("grpc.max_reconnect_backoff_ms", int(const.MAX_RECONNECT_S * 1000)),
        # Retries are decided here alone, not by a configuration that a name server hands out.
        ("grpc.service_config_disable_resolution", 1),
        # A proxy of the environment cannot reach this machine's own loopback.
        ("grpc.enable_http_proxy", 0 if target.startswith(_LOOPBACK) else 1),
        ("grpc.primary_user_agent", f"heal7-hypercube/{__version__}"),
    ]
