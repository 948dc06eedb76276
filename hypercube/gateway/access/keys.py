"""API keys: what one looks like, and what is kept of it.

    hck_7Zk2mQ9xBv4T_<43 characters: 256 random bits><6 characters: CRC-32 of all before>

The part between the underscores is the key's id, which lists and logs show. The checksum tells a mistyped key
(and a scanner of repositories tells a real one) without asking the store. The secret itself is never kept:
the store has SHA-256 of the whole key, or HMAC-SHA-256 where the operator set a pepper. A slow hash would add
nothing, since 256 random bits cannot be guessed.
"""

import hashlib
import hmac
import json
import re
import secrets
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid, nearest
from hypercube.core.principal import Principal, Rate, Role, ScopeKind

PREFIX: Final = "hck_"
MAX_LIVE_SECRETS: Final = 2
"""The current secret and, while a rotation overlaps, the one before it."""
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID: Final = 12
_SECRET: Final = 43
_CHECK: Final = 6
_SHAPE: Final = re.compile(rf"hck_([0-9A-Za-z]{{{_ID}}})_[0-9A-Za-z]{{{_SECRET + _CHECK}}}")
_PERIODS: Final[Mapping[str, float]] = {"s": 1.0, "min": 60.0, "hour": 3600.0, "day": 86400.0}


@dataclass(frozen=True, slots=True)
class Secret:
    """The hash of one secret of a key, hexadecimal; `expires` is set on a secret that a rotation replaced."""

    digest: str
    created: float
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the store has it; times are POSIX seconds.

    Attributes:
        id: names it; no secret.
        name: whose it is, for people.
        roles: what its holder may do.
        scopes: see `Principal`.
        created: when.
        expires: from when on it is refused; None = never.
        revoked: when it was revoked.
        requests: quota of requests.
        tokens: quota of tokens.
        secrets: the newest first.
    """

    id: str
    name: str
    roles: tuple[Role, ...]
    scopes: tuple[str, ...]
    created: float
    expires: float | None
    revoked: float | None
    requests: Rate | None
    tokens: Rate | None
    secrets: tuple[Secret, ...]

    def state(self, now: float) -> str:
        """`live`, `expired` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "live"

    def principal(self) -> Principal:
        """Its holder."""
        return Principal(
            self.name,
            frozenset(self.roles),
            frozenset(self.scopes),
            id=f"key:{self.id}",
            requests=self.requests,
            tokens=self.tokens,
        )

    def plain(self, now: float) -> dict[str, Any]:
        """What a list may show: no hash."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state(now),
            "roles": [role.value for role in self.roles],
            "scopes": list(self.scopes),
            "created": self.created,
            "expires": self.expires,
            "revoked": self.revoked,
            "requests": rate_text(self.requests),
            "tokens": rate_text(self.tokens),
            "secrets": [
                {"created": secret.created, "expires": secret.expires}
                for secret in self.secrets
                if secret.expires is None or secret.expires > now
            ],
        }

    def to_json(self) -> str:
        """For a store."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ApiKey":
        """From a store."""
        data = json.loads(text)
        for name in ("requests", "tokens"):
            data[name] = None if data[name] is None else Rate(**data[name])
        data["roles"] = tuple(Role(role) for role in data["roles"])
        data["scopes"] = tuple(data["scopes"])
        data["secrets"] = tuple(Secret(**secret) for secret in data["secrets"])
        return cls(**data)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode("ascii")), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits


def new_key_id() -> str:
    """An id that no key has."""
    return _random(_ID)


def new_secret(key_id: str) -> str:
    """A key to be given to its holder, once: 256 random bits (43 of 62 characters are 256.03)."""
    body = f"{PREFIX}{key_id}_{_random(_SECRET)}"
    return body + _checksum(body)


def key_id_of(text: str) -> str | None:
    """The id in a key; None for what cannot be one, such as a mistyped one."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        return None
    return shape[1]


def digest_of(text: str, pepper: bytes) -> str:
    """What is kept of a key."""
    raw = text.encode("ascii")
    return hmac.digest(pepper, raw, "sha256").hex() if pepper else hashlib.sha256(raw).hexdigest()


def matching(key: ApiKey, digest: str) -> Secret | None:
    """Which secret of the key a digest is; every one is compared, in constant time."""
    found = None
    for secret in key.secrets:
        if hmac.compare_digest(secret.digest, digest):
            found = secret
    return found


def made(
    name: str,
    *,
    now: float,
    pepper: bytes,
    roles: Iterable[str] = (Role.USER,),
    scopes: Iterable[str] = (),
    lifetime_s: float | None = None,
    requests: Rate | None = None,
    tokens: Rate | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and the text for its holder.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a name, role, scope or lifetime that cannot be.
    """
    if not 0 < len(name) <= 128 or not name.isprintable():
        raise invalid("A key's name has 1 to 128 printable characters.", param="name", value=name)
    if lifetime_s is not None and lifetime_s <= 0:
        raise invalid("A key lives longer than nothing.", param="expires", value=lifetime_s)
    key_id = new_key_id()
    text = new_secret(key_id)
    key = ApiKey(
        id=key_id,
        name=name,
        roles=tuple(dict.fromkeys(checked_role(role) for role in roles)),
        scopes=tuple(dict.fromkeys(checked_scope(scope) for scope in scopes)),
        created=now,
        expires=None if lifetime_s is None else now + lifetime_s,
        revoked=None,
        requests=requests,
        tokens=tokens,
        secrets=(Secret(digest_of(text, pepper), now),),
    )
    return key, text


def rotated(key: ApiKey, *, now: float, overlap_s: float, pepper: bytes) -> tuple[ApiKey, str]:
    """The key with a new secret; the one before it is good for `overlap_s` seconds more, older ones end now.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a key that is revoked or expired.
    """
    if key.state(now) != "live":
        raise invalid(
            f"The key {key.id} is {key.state(now)}.", param="id", value=key.id, fix="Create another one."
        )
    if overlap_s < 0:
        raise invalid("An overlap is no negative time.", param="overlap", value=overlap_s)
    text = new_secret(key.id)
    before = key.secrets[0]
    ends = now + overlap_s if before.expires is None else min(before.expires, now + overlap_s)
    secrets_ = (Secret(digest_of(text, pepper), now), replace(before, expires=ends))
    return replace(key, secrets=secrets_[:MAX_LIVE_SECRETS]), text


def checked_role(text: str) -> Role:
    """A role by its word; INVALID_ARGUMENT for another word."""
    try:
        return Role(text)
    except ValueError:
        raise _unknown("role", text, [role.value for role in Role]) from None


def checked_scope(text: str) -> str:
    """A scope as it is written; INVALID_ARGUMENT for what says nothing."""
    kind, _, pattern = text.partition(":")
    if kind not in set(ScopeKind) or not pattern.strip():
        raise _unknown("scope", text, [f"{kind.value}:NAME" for kind in ScopeKind])
    return text


def _unknown(what: str, text: str, choices: list[str]) -> HyperCubeError:
    like = nearest(text, choices)
    return invalid(
        f"{text!r} is no {what}.",
        param=what,
        value=text,
        fix=(f"Did you mean {like!r}? " if like else "") + f"Write one of: {', '.join(choices)}.",
        choices=choices,
    )


def rate_of(text: str, param: str = "rate") -> Rate:
    """A quota in words: `60/min`, `100000/day`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    amount, _, period = text.partition("/")
    if not amount.strip().isdecimal() or not 0 < int(amount) < 2**53 or period.strip() not in _PERIODS:
        raise invalid(
            f"{text!r} is no quota.",
            param=param,
            value=text,
            fix=f"Write a whole number from 1, a slash, and one of {', '.join(_PERIODS)}: 60/min.",
        )
    return Rate(int(amount), _PERIODS[period.strip()])


def rate_text(rate: Rate | None) -> str | None:
    """`rate_of`, backwards."""
    if rate is None:
        return None
    names = {seconds: name for name, seconds in _PERIODS.items()}
    return f"{rate.amount}/{names.get(rate.per_s, f'{rate.per_s:g} s')}"


def seconds_of(text: str, param: str) -> float:
    """A time in words: `90d`, `12h`, `30min`, `45s`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    found = re.fullmatch(r"(\d{1,9})(s|min|h|d)", text.strip())
    if found is None:
        raise invalid(f"{text!r} is no time.", param=param, value=text, fix="Write 45s, 30min, 12h or 90d.")
    return int(found[1]) * {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}[found[2]]
