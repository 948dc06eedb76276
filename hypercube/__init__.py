"""HEAL7 HyperCube: a GPU-first AI inference platform for saju (사주, the Korean four pillars).

Importing this package pulls in nothing heavy. `Client` and `AsyncClient` need only gRPC; `hypercube.saju`
needs the extra `heal7-hypercube[saju]`; the server needs `heal7-hypercube[server]`.
"""

from typing import TYPE_CHECKING, Any

from hypercube._version import __version__

if TYPE_CHECKING:
    from hypercube.client import AsyncClient, Client
    from hypercube.core.errors import ErrorKind, HyperCubeError

__all__ = ["AsyncClient", "Client", "ErrorKind", "HyperCubeError", "__version__"]

_LAZY = {
    "AsyncClient": "hypercube.client",
    "Client": "hypercube.client",
    "ErrorKind": "hypercube.core.errors",
    "HyperCubeError": "hypercube.core.errors",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import hypercube` stays light."""
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'hypercube' has no attribute {name!r}")
