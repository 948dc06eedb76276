"""Web pages that talk to this server from the browser of somebody on this machine.

A server without keys trusts whoever reaches it, and any page that is open in a browser here reaches loopback. The
browser says which page it is in the `Origin` header, also after a trick with the page's name (DNS rebinding).
"""

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from hypercube.core.errors import ErrorKind, HyperCubeError, shown

_LOCAL: Final = "localhost"


def require_known_origin(origin: bytes, allowed: Collection[str]) -> None:
    """Return for a page of this machine's own, or of `allowed`.

    Raises:
        HyperCubeError: PERMISSION_DENIED naming the page.
    """
    text = origin.decode("latin-1")
    if text in allowed or "*" in allowed or _is_local(text):
        return
    raise HyperCubeError(
        ErrorKind.PERMISSION_DENIED,
        f"The web page {str(shown(text))!r} may not use this server.",
        param="origin",
        value=text,
        fix="Name it in the setting server.cors_origins, or open the page from this machine.",
    )


def _is_local(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == _LOCAL or host.endswith("." + _LOCAL) or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
