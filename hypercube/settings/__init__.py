"""One frozen settings tree: `hypercube.toml`, then `HYPERCUBE_*` variables, then flags; later ones win.

A variable is named after its place in the tree: `HYPERCUBE_SERVER_HTTP_PORT` is `server.http_port`. An unknown
key, in the file or in the environment, is an error that names the nearest known one.
"""

from hypercube.settings.models import (
    NO_MODEL,
    CanarySettings,
    ChatSettings,
    EmbeddingSettings,
    ModelSettings,
    ModelsSettings,
    ReadingSettings,
    UpstreamSettings,
)
from hypercube.settings.serving import (
    AccessSettings,
    BatchingSettings,
    KernelSettings,
    LogSettings,
    ServerSettings,
    TlsSettings,
)
from hypercube.settings.tree import DEFAULT_FILE, PREFIX, Settings, known_keys, load_settings

__all__ = [
    "DEFAULT_FILE",
    "NO_MODEL",
    "PREFIX",
    "AccessSettings",
    "BatchingSettings",
    "CanarySettings",
    "ChatSettings",
    "EmbeddingSettings",
    "KernelSettings",
    "LogSettings",
    "ModelSettings",
    "ModelsSettings",
    "ReadingSettings",
    "ServerSettings",
    "Settings",
    "TlsSettings",
    "UpstreamSettings",
    "known_keys",
    "load_settings",
]
