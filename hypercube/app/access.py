"""Who may come in, put together from the settings."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hypercube.app.listening import is_loopback
from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.gateway.access.authenticator import Access
from hypercube.gateway.access.buckets import Buckets, FallbackBuckets, LocalBuckets, RedisBuckets
from hypercube.gateway.access.jwks import KeySet
from hypercube.gateway.access.keys import rate_of
from hypercube.gateway.access.redis_keys import RedisKeys
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.access.stores import KeyStore, SqliteKeys
from hypercube.gateway.access.tokens import TokenVerifier
from hypercube.settings import AccessSettings, Settings

REDIS_URL: Final = "REDIS_URL"
"""The variable that many platforms set."""


def asks_for_keys(settings: Settings) -> bool:
    """Whether callers must show a key or a token."""
    return settings.access.mode == "on" or not is_loopback(settings.server.host)


def keys_file(access: AccessSettings) -> Path:
    """The file of keys."""
    if access.keys_file is not None:
        return access.keys_file
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "hypercube" / "keys.sqlite3"


def redis_url(access: AccessSettings, environ: Mapping[str, str] = os.environ) -> str:
    """Where Redis is; empty for none."""
    return access.redis_url.get_secret_value() or environ.get(REDIS_URL, "")


def open_link(access: AccessSettings, clock: Clock = monotonic) -> RedisLink | None:
    """The way to Redis, if it is set."""
    url = redis_url(access)
    return RedisLink(url, clock) if url else None


def open_keys(access: AccessSettings, link: RedisLink | None) -> KeyStore:
    """The store of keys."""
    return RedisKeys(link) if link is not None else SqliteKeys(keys_file(access))


def pepper_of(access: AccessSettings) -> bytes:
    """The key of the keys' hashes."""
    return access.pepper.get_secret_value().encode("utf-8")


def make_access(
    settings: Settings, clock: Clock = monotonic, *, link: RedisLink | None = None
) -> Access | None:
    """Whoever judges callers; None where everybody may come in.

    `link` is the way to Redis where one is open already, which whoever made it closes.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for settings that cannot be; FAILED_PRECONDITION for a missing package.
    """
    access = settings.access
    quotas = {
        name: rate_of(text, f"access.{name}") if text else None
        for name, text in (("requests", access.requests), ("tokens", access.tokens))
    }
    if not asks_for_keys(settings):
        return None
    tokens = _verifier(access, clock)
    own = open_link(access, clock) if link is None else None
    link = link or own
    return Access(
        keys=open_keys(access, link),
        tokens=tokens,
        buckets=_buckets(access, link, clock),
        pepper=pepper_of(access),
        requests=quotas["requests"],
        token_rate=quotas["tokens"],
        when_away=access.redis_away,
        cache_s=access.cache_s,
        open_metrics=access.open_metrics,
        clock=clock,
        close=None if own is None else own.close,
    )


def _buckets(access: AccessSettings, link: RedisLink | None, clock: Clock) -> Buckets:
    local = LocalBuckets(clock)
    if link is None:
        return local
    shared = RedisBuckets(link)
    return FallbackBuckets(shared, local) if access.redis_away == "open" else shared


def _verifier(access: AccessSettings, clock: Clock) -> TokenVerifier | None:
    given = {name: getattr(access, name) for name in ("jwt_keys", "jwt_issuer", "jwt_audience")}
    if not any(given.values()):
        return None
    for name, value in given.items():
        if not value:
            raise invalid(
                f"access.{name} is not set, and tokens need all of {', '.join(given)}.",
                param=f"access.{name}",
                fix="Without its issuer and its audience a token for another service would be good here, too.",
            )
    return TokenVerifier(
        KeySet(access.jwt_keys, clock=clock),
        issuer=access.jwt_issuer,
        audience=access.jwt_audience,
        roles_claim=access.jwt_roles_claim,
        scopes_claim=access.jwt_scopes_claim,
        leeway_s=access.jwt_leeway_s,
        wall=time.time,
    )


async def require_somebody(access: Access) -> None:
    """Return if anybody could come in.

    Raises:
        HyperCubeError: FAILED_PRECONDITION with the command that makes a key.
    """
    if access.tokens is not None or access.keys is None:
        return
    try:
        keys = await access.keys.all()
    except HyperCubeError as error:
        raise invalid(
            f"The keys in {access.keys.where} cannot be read, so nobody could come in.",
            param="access.redis_url",
            fix="Start Redis first, or leave the setting out to keep keys in a file.",
        ) from error
    if not any(key.state(time.time()) == "live" for key in keys):
        raise invalid(
            f"This server would ask for keys, and there is none in {access.keys.where}.",
            param="access",
            fix="Make one: hypercube keys create NAME --role admin. Or set access.jwt_keys, .jwt_issuer and "
            ".jwt_audience for the tokens of an identity provider.",
        )


async def describe(access: Access | None) -> str:
    """One line for the banner."""
    if access is None:
        return "none asked for on loopback (--access on asks for them; other addresses always do)"
    parts = []
    if access.keys is not None:
        count = len(await access.keys.all())
        parts.append(f"{count} in {access.keys.where}")
    if access.tokens is not None:
        parts.append(f"tokens of {access.tokens.issuer}")
    counted = "in this process" if isinstance(access.buckets, LocalBuckets) else "in Redis"
    return f"asked for: {'; '.join(parts)}; quotas counted {counted}"
