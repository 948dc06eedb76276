"""Tokens of an identity provider: what is checked, over HTTP and gRPC, against keys that are made here."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

from hypercube.core.errors import HyperCubeError
from hypercube.core.principal import Role
from hypercube.gateway.access.authenticator import Access, Credential
from hypercube.gateway.access.guarded_cubes import GuardedCubes
from hypercube.gateway.access.jwks import KeySet, parse_keys
from hypercube.gateway.access.tokens import TokenVerifier
from hypercube.wire.v1 import saju_pb2, saju_pb2_grpc

NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://login.example", "hypercube"
ED, RSA = Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
NEXT = Ed25519PrivateKey.generate()


def jwk(private: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm: Any = RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else OKPAlgorithm
    return {**algorithm.to_jwk(private.public_key(), as_dict=True), "kid": kid, **more}


def claims(**more: Any) -> dict[str, Any]:
    given = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 600, "iat": NOW, "nbf": NOW} | more
    return {name: value for name, value in given.items() if value is not None}


def token(private: Any = ED, algorithm: str = "EdDSA", kid: str | None = "ed-1", **more: Any) -> str:
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims(**more), private, algorithm=algorithm, headers=headers)


def forged(header: dict[str, Any], secret: bytes | None, **more: Any) -> str:
    """A token that no library would make."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims(**more)).encode())}"
    signature = b"" if secret is None else hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{part(signature)}"


PUBLIC_PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
PUBLIC_RAW = ED.public_key().public_bytes_raw()


@dataclass
class Provider:
    """A JWKS as a file, and a gateway that trusts it."""

    house: Any
    access: Access
    file: Path
    times: dict[str, float]

    def publish(self, *entries: dict[str, Any]) -> None:
        self.file.write_text(json.dumps({"keys": entries}))

    def later(self, seconds: float) -> None:
        self.times["wall"] += seconds
        self.times["clock"] += seconds


@pytest.fixture
async def provider(house: Any, tmp_path: Path) -> AsyncIterator[Provider]:
    times = {"wall": NOW, "clock": 50.0}
    file = tmp_path / "jwks.json"
    keys = KeySet(str(file), refresh_s=300, unknown_s=10, clock=lambda: times["clock"])
    verifier = TokenVerifier(keys, issuer=ISSUER, audience=AUDIENCE, leeway_s=30, wall=lambda: times["wall"])
    access = Access(tokens=verifier, clock=lambda: times["clock"], wall=lambda: times["wall"], cache_s=60)
    services = replace(house.services, access=access, cubes=GuardedCubes(house.services.cubes, access))
    made = Provider(replace(house, services=services), access, file, times)
    made.publish(jwk(ED, "ed-1"), jwk(RSA, "rsa-1", alg="RS256", use="sig"))
    yield made
    await access.close()


async def outcome(provider: Provider, grpc_listen: Any, text: str) -> tuple[int, grpc.StatusCode, str]:
    headers = {"authorization": f"Bearer {text}"}
    transport = httpx.ASGITransport(provider.house.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.post("/v1/saju/charts", json={"birth": "1990-05-03T07:20"}, headers=headers)
    async with grpc_listen(provider.house) as channel:
        call = saju_pb2_grpc.SajuStub(channel).Chart(
            saju_pb2.Birth(birth="1990-05-03T07:20"), metadata=tuple(headers.items())
        )
        code = await call.code()
    assert text not in answer.text
    return answer.status_code, code, answer.json().get("error", {}).get("message", "")


@pytest.mark.parametrize(("private", "algorithm", "kid"), [(ED, "EdDSA", "ed-1"), (RSA, "RS256", "rsa-1")])
async def test_a_good_token_opens_both_doors(
    provider: Provider, grpc_listen: Any, private: Any, algorithm: str, kid: str
) -> None:
    assert (await outcome(provider, grpc_listen, token(private, algorithm, kid)))[:2] == (
        200,
        grpc.StatusCode.OK,
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (forged({"alg": "none", "kid": "ed-1"}, None), "not signed with EdDSA"),
        (forged({"alg": "None", "kid": "rsa-1"}, None), "not signed with RS256"),
        (forged({"alg": "HS256", "kid": "rsa-1"}, PUBLIC_PEM), "not signed with RS256"),
        (forged({"alg": "HS256", "kid": "ed-1"}, PUBLIC_RAW), "not signed with EdDSA"),
        (forged({"alg": "HS256", "kid": "ed-1", "jwk": jwk(NEXT, "x")}, b"x"), "not signed with EdDSA"),
        (token(RSA, "PS256", "rsa-1"), "not signed with RS256"),
        (token(RSA, "RS512", "rsa-1"), "not signed with RS256"),
        (token(RSA, "RS256", "ed-1"), "not signed with EdDSA"),
        (token(NEXT, kid="ed-1"), "signature is wrong"),
        (token(kid=None), "names no key"),
        (token(NEXT, kid="ed-2"), "not the provider's"),
        (token(aud="another"), "another audience"),
        (token(aud=None), "no 'aud'"),
        (token(iss="https://evil.example"), "another issuer"),
        (token(iss=None), "no 'iss'"),
        (token(exp=NOW - 31), "has expired"),
        (token(exp=None), "no 'exp'"),
        (token(nbf=NOW + 31), "does not count yet"),
        (token(iat=NOW + 31, nbf=None), "in the future"),
        (token(sub=None), "no 'sub'"),
        (token(sub=""), "'sub'"),
        (token()[:-2], "signature is wrong"),
        ("a.b.c", "no JSON Web Token"),
        (token(extra="x" * 9000), "more than 8,192"),
    ],
)
async def test_a_wrong_token_is_refused_at_both_doors(
    provider: Provider, grpc_listen: Any, text: str, word: str
) -> None:
    status, code, message = await outcome(provider, grpc_listen, text)
    assert (status, code) == (401, grpc.StatusCode.UNAUTHENTICATED)
    assert word in message


async def test_clocks_may_differ_by_the_leeway(provider: Provider, grpc_listen: Any) -> None:
    for text in (token(exp=NOW - 29), token(nbf=NOW + 29, iat=NOW + 29)):
        assert (await outcome(provider, grpc_listen, text))[0] == 200


async def test_a_token_is_refused_at_its_end_though_it_is_remembered(
    provider: Provider, grpc_listen: Any
) -> None:
    text = token(exp=NOW + 5)
    assert (await outcome(provider, grpc_listen, text))[0] == 200
    provider.later(34)
    assert (await outcome(provider, grpc_listen, text))[0] == 200
    provider.later(1)
    assert (await outcome(provider, grpc_listen, text))[:2] == (401, grpc.StatusCode.UNAUTHENTICATED)


async def test_keys_rotate_with_an_overlap(provider: Provider, grpc_listen: Any) -> None:
    old, new = token(exp=NOW + 9000), token(NEXT, kid="ed-2", exp=NOW + 9000)
    assert (await outcome(provider, grpc_listen, old))[0] == 200
    provider.publish(jwk(ED, "ed-1"), jwk(NEXT, "ed-2"))
    assert (await outcome(provider, grpc_listen, new))[0] == 401  # looked a moment ago
    provider.later(10)
    assert (await outcome(provider, grpc_listen, new))[0] == 200  # an unknown kid makes it look again
    assert (await outcome(provider, grpc_listen, old))[0] == 200
    provider.publish(jwk(NEXT, "ed-2"))
    provider.later(300)
    assert (await outcome(provider, grpc_listen, new))[0] == 200  # and so does time
    assert (await outcome(provider, grpc_listen, old))[0] == 401
    provider.file.write_text("{}")
    provider.later(301)
    assert (await outcome(provider, grpc_listen, new))[0] == 200  # a set that is broken leaves the last one


async def test_unknown_keys_do_not_make_us_ask_again_and_again() -> None:
    fetched, now = 0, 0.0

    async def fetch() -> bytes:
        nonlocal fetched
        fetched += 1
        return json.dumps({"keys": [jwk(ED, "ed-1")]}).encode()

    keys = KeySet("https://login.example/jwks", refresh_s=300, unknown_s=10, clock=lambda: now, fetch=fetch)
    for number in range(100):
        assert await keys.get(f"unknown-{number}") is None
    assert fetched == 1
    now += 10
    for number in range(100):
        assert await keys.get(f"unknown-{number}") is None
    assert fetched == 2
    assert await keys.get("ed-1") is not None
    assert fetched == 2


async def test_without_any_set_nobody_can_be_judged(provider: Provider, grpc_listen: Any) -> None:
    provider.file.unlink()
    status, code, message = await outcome(provider, grpc_listen, token())
    assert (status, code) == (503, grpc.StatusCode.UNAVAILABLE)
    assert "identity provider" in message


async def test_roles_and_scopes_come_from_claims(provider: Provider) -> None:
    async def who(**more: Any) -> Any:
        return await provider.access.identify(Credential(token(**more)))

    plain = await who()
    assert (plain.name, plain.id, plain.roles, plain.scopes) == (
        "alice",
        "jwt:alice",
        frozenset({Role.USER}),
        frozenset(),
    )
    assert Role.ADMIN in (await who(roles=["admin", "cook"])).roles
    assert (await who(roles="cook")).roles == frozenset({Role.USER})
    assert (await who(scope="openid model:gemma* profile")).scopes == frozenset({"model:gemma*"})
    assert (await who(scope=["route:/v1/*", 5])).scopes == frozenset({"route:/v1/*"})


@pytest.mark.parametrize(
    ("entries", "word"),
    [
        ([], "no Ed25519 or RSA"),
        ([jwk(ED, "x", use="enc")], "no Ed25519 or RSA"),
        ([jwk(RSA, "x", alg="HS256")], "no Ed25519 or RSA"),
        ([{"kty": "oct", "k": "c2VjcmV0", "kid": "x"}], "no Ed25519 or RSA"),
        ([{"kty": "EC", "crv": "P-256", "kid": "x"}], "no Ed25519 or RSA"),
        ([jwk(rsa.generate_private_key(65537, 1024), "small")], "fewer than 2048 bits"),
        ([jwk(ED, "x")] * 101, "at most 100"),
        ("x", "at most 100"),
    ],
)
def test_a_set_without_a_key_for_us_is_refused(entries: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_keys(json.dumps({"keys": entries}).encode())


def test_keys_over_the_network_need_tls() -> None:
    with pytest.raises(HyperCubeError, match="https://"):
        KeySet("http://login.example/jwks")
    KeySet("https://login.example/jwks")


async def test_a_set_over_http_is_fetched_with_bounds() -> None:
    answers = {
        "/good": (200, json.dumps({"keys": [jwk(ED, "ed-1")]}).encode()),
        "/large": (200, b'{"keys": "' + b"x" * (2 << 20) + b'"}'),
        "/moved": (302, b""),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("location", "/good")
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        base = f"http://127.0.0.1:{server.server_port}"
        assert await KeySet(f"{base}/good").get("ed-1") is not None
        for path in ("/large", "/moved"):
            with pytest.raises(HyperCubeError, match="cannot be read"):
                await KeySet(f"{base}{path}").get("ed-1")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
