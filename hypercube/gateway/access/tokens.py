"""JSON Web Tokens of an identity provider: Ed25519 and RS256, verified against its JWKS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal, Role, ScopeKind
from hypercube.gateway.access.jwks import KeySet

MAX_CHARACTERS: Final = 8192
_REQUIRED: Final = ["exp", "iss", "aud", "sub"]
_SCOPE_WORDS: Final = tuple(f"{kind.value}:" for kind in ScopeKind)


@dataclass(frozen=True, slots=True)
class Verified:
    """A token's holder, and until when it counts, in POSIX seconds."""

    principal: Principal
    expires: float


class TokenVerifier:
    """Checks a token's signature and claims.

    The algorithm is the key's: `alg` of the header is only compared with it, so neither `none` nor an HMAC over
    the public key can pass.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        roles_claim: str = "roles",
        scopes_claim: str = "scope",
        leeway_s: float = 30.0,
        wall: Callable[[], float],
    ) -> None:
        """`leeway_s` bounds how much the provider's clock may differ from ours; `wall` gives POSIX seconds.

        Raises:
            HyperCubeError: FAILED_PRECONDITION without the packages.
        """
        try:
            import cryptography  # noqa: F401 - PyJWT verifies with it, and says so only at the first token
            import jwt  # noqa: F401
        except ModuleNotFoundError as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Tokens are set, but the package {error.name!r} is not installed.",
                fix="pip install 'heal7-hypercube[jwt]'",
            ) from error
        self.keys = keys
        self.issuer = issuer
        self._audience = audience
        self._roles_claim = roles_claim
        self._scopes_claim = scopes_claim
        self._leeway_s = leeway_s
        self._wall = wall

    async def verify(self, text: str) -> Verified:
        """The holder of a token.

        Raises:
            HyperCubeError: UNAUTHENTICATED with what is wrong; UNAVAILABLE when no key could be read yet.
        """
        import jwt
        from jwt import exceptions as wrong

        if len(text) > MAX_CHARACTERS:
            raise _refused(f"The token has more than {MAX_CHARACTERS:,} characters.", "Ask for fewer claims.")
        try:
            header = jwt.get_unverified_header(text)
        except wrong.InvalidTokenError:
            raise _refused("This is no JSON Web Token.", "Send the token as the provider gave it.") from None
        kid = header.get("kid")
        if not isinstance(kid, str):
            raise _refused("The token names no key ('kid').", "Use a provider that sets 'kid'.")
        key = await self.keys.get(kid)
        if key is None:
            raise _refused("The token's key ('kid') is not the provider's, or no longer.", "Log in again.")
        try:
            claims: dict[str, Any] = jwt.decode(
                text,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self.issuer,
                leeway=self._leeway_s,
                options={"require": _REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except wrong.InvalidAlgorithmError:
            raise _refused(
                f"The token is not signed with {key.algorithm_name}, which its key is for.",
                f"Let the provider sign with {key.algorithm_name}.",
            ) from None
        except wrong.InvalidAudienceError:
            raise _refused("The token is for another audience ('aud').", "Ask for this server's.") from None
        except wrong.InvalidIssuerError:
            raise _refused("The token is of another issuer ('iss').", "Log in at this server's.") from None
        except wrong.MissingRequiredClaimError as error:
            raise _refused(f"The token has no {error.claim!r}.", "Let the provider set it.") from None
        except wrong.InvalidSignatureError:
            raise _refused("The token's signature is wrong.", "Send it unchanged.") from None
        except wrong.InvalidTokenError:
            raise _refused("The token cannot be read.", "Send it as the provider gave it.") from None
        return self._judged(claims)

    def _judged(self, claims: dict[str, Any]) -> Verified:
        """The times, by our own clock, and what the holder may do."""
        now = self._wall()
        expires = _time(claims, "exp")
        starts = _time(claims, "nbf") if "nbf" in claims else None
        issued = _time(claims, "iat") if "iat" in claims else None
        if now >= expires + self._leeway_s:
            raise _refused("The token has expired.", "Log in again.")
        if starts is not None and now < starts - self._leeway_s:
            raise _refused("The token does not count yet ('nbf').", "Send it later, or set the clocks.")
        if issued is not None and now < issued - self._leeway_s:
            raise _refused("The token was issued in the future ('iat').", "Set the clocks.")
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 256:
            raise _refused("The token's 'sub' is no text of 1 to 256 characters.", "Let the provider set it.")
        roles = {Role(word) for word in _words(claims.get(self._roles_claim)) if word in set(Role)}
        scopes = [word for word in _words(claims.get(self._scopes_claim)) if word.startswith(_SCOPE_WORDS)]
        principal = Principal(
            subject, frozenset(roles or {Role.USER}), frozenset(scopes), id=f"jwt:{subject}"
        )
        return Verified(principal, expires + self._leeway_s)


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise _refused(f"The token's {name!r} is no time.", "Let the provider set POSIX seconds.")
    return float(value)


def _words(claim: object) -> Iterable[str]:
    """The words of a claim: a list of texts, or one text with spaces."""
    if isinstance(claim, str):
        return claim.split()
    return [word for word in claim if isinstance(word, str)] if isinstance(claim, list) else ()


def _refused(message: str, fix: str) -> HyperCubeError:
    return HyperCubeError(ErrorKind.UNAUTHENTICATED, message, fix=fix)
