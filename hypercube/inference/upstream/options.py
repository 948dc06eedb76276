"""Where an upstream server is and how much of it may be used."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from hypercube.core.errors import invalid
from hypercube.model_registry.manifest import ModelManifest

UPSTREAM: Final = "upstream"
"""The engine's name in manifests, and the default name of the model it serves."""


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """One model of one OpenAI-compatible server.

    Attributes:
        url: as OpenAI clients take it, `http://host:port/v1`; a last `/v1` may be left out.
        model: the model's name there; empty where the server has a default.
        api_key: sent as a bearer token; empty sends none.
        embeddings: the model makes embeddings, and no text.
        max_connections: requests under way to this host, of everything that this process asks of it.
        connect_s: limit of opening a connection.
        silence_s: limit of the wait for a first byte, and between two.
        health_s: between two looks at a server that nobody is using.
        health_timeout_s: limit of such a look.
    """

    url: str
    model: str = ""
    api_key: str = field(default="", repr=False)
    embeddings: bool = False
    max_connections: int = 64
    connect_s: float = 2.0
    silence_s: float = 60.0
    health_s: float = 1.0
    health_timeout_s: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise invalid(
                f"upstream.url is {self.url!r}, which is no address of an HTTP server.",
                param="upstream.url",
                value=self.url,
                fix="Write it as for any OpenAI client: http://127.0.0.1:8000/v1.",
            )
        if parts.username is not None or parts.password is not None:
            raise invalid(
                "upstream.url holds a user name or a password.",
                param="upstream.url",
                fix="Put the key into upstream.api_key: an address is shown and logged, a key never.",
            )
        if not all("!" <= character <= "~" for character in self.api_key):
            raise invalid(
                "upstream.api_key holds a character that no header can carry.",
                param="upstream.api_key",
                fix="Write the key alone, without spaces or line ends.",
            )
        if self.max_connections < 1:
            raise invalid(
                f"upstream.max_connections is {self.max_connections}.",
                param="upstream.max_connections",
                value=self.max_connections,
                fix="Write a number from 1.",
            )

    @property
    def base_url(self) -> str:
        """The address before `/v1/...`."""
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def host(self) -> str:
        """Host and port, as messages name the server."""
        return urlsplit(self.url).netloc


def upstream_manifest(name: str, context_length: int) -> ModelManifest:
    """The manifest of a model without files here; licence and age are the other server's to know."""
    return ModelManifest(
        name=name,
        version="1.0.0",
        description="A model that another OpenAI-compatible server runs",
        licence="NOASSERTION",
        engine=UPSTREAM,
        format="none",
        context_length=context_length,
        created=0,
    )
