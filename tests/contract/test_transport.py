"""TLS, mTLS and Unix sockets of the composed application, for HTTP and gRPC, as the SDK and httpx see them."""

import asyncio
import socket
import ssl
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hypercube import client as sdk
from hypercube.app.application import Application
from hypercube.app.tls import load_tls
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.settings import Settings, TlsSettings
from tests.contract.certificates import Authority, Files, pem

BIRTH = {"birth": "1990-05-03T07:20"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="session")
def authority(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="session")
def stranger(folder: Path) -> Authority:
    return Authority(folder, "strangers")


@pytest.fixture(scope="session")
def server_files(authority: Authority) -> Files:
    return authority.issue("server")


@asynccontextmanager
async def serving(**sections: Any) -> AsyncIterator[Application]:
    server = {"http_port": 0, "grpc_port": 0, "drain_s": 1.0, **sections.pop("server", {})}
    settings = Settings(
        server=server,
        model={"name": "none"},
        kernels={"backend": "reference"},
        **sections,  # type: ignore[arg-type]
    )
    async with Application(settings).running() as application:
        yield application


def call_with_sdk(target: str, **options: Any) -> tuple[int, ...]:
    with sdk.Client(target, max_retries=0, timeout=20, **options) as client:
        return tuple(client.chart("1990-05-03T07:20").pillars.indices())


async def both_twins(target: str, **options: Any) -> None:
    """Charts by both clients; raises what the first one raises."""
    assert await asyncio.to_thread(call_with_sdk, target, **options) == (6, 16, 4, 52)
    async with sdk.AsyncClient(target, max_retries=0, timeout=20, **options) as client:
        assert (await client.chart("1990-05-03T07:20")).pillars.indices() == (6, 16, 4, 52)


async def refused(target: str, **options: Any) -> sdk.ConnectionFailed:
    with pytest.raises(sdk.ConnectionFailed) as caught:
        await asyncio.to_thread(call_with_sdk, target, **options)
    async with sdk.AsyncClient(target, max_retries=0, timeout=20, **options) as client:
        with pytest.raises(sdk.ConnectionFailed):
            await client.chart("1990-05-03T07:20")
    return caught.value


def trusting(ca: Path, own: Files | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


async def post(url: str, **options: Any) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=20, **options) as client:
        return await client.post(f"{url}/v1/saju/charts", json=BIRTH)


def settings_of(files: Files, ca: Path | None = None) -> dict[str, Any]:
    return {"certificate": files.certificate, "key": files.key, "client_ca": ca}


async def test_tls_lets_in_who_trusts_the_right_authority(
    server_files: Files, authority: Authority, stranger: Authority
) -> None:
    async with serving(tls=settings_of(server_files)) as application:
        target, url = f"127.0.0.1:{application.grpc_port}", f"https://127.0.0.1:{application.http_port}"
        await both_twins(target, tls=sdk.Tls(ca=authority.certificate))
        await both_twins(target, tls=sdk.Tls(ca=authority.certificate.read_bytes()), api_key="unused")
        named = sdk.Tls(ca=str(authority.certificate), server_name="localhost")
        await both_twins(target, tls=named)
        assert (await post(url, verify=trusting(authority.certificate))).status_code == 200

        plain = await refused(target)
        assert "TLS" in str(plain), "the message says what may be wrong"
        wrong = await refused(target, tls=sdk.Tls(ca=stranger.certificate))
        assert "tls" in (wrong.fix or "").lower()
        await refused(target, tls=True)
        await refused(target, tls=sdk.Tls(ca=authority.certificate, server_name="example.org"))
        with pytest.raises(httpx.ConnectError):
            await post(url, verify=trusting(stranger.certificate))
        with pytest.raises(httpx.HTTPError):
            await post(url.replace("https", "http"))


async def test_mtls_lets_in_who_shows_a_certificate(
    server_files: Files, authority: Authority, stranger: Authority
) -> None:
    ours = authority.issue("client", client=True)
    theirs = stranger.issue("intruder", client=True)
    async with serving(tls=settings_of(server_files, authority.certificate)) as application:
        target, url = f"127.0.0.1:{application.grpc_port}", f"https://127.0.0.1:{application.http_port}"
        known = sdk.Tls(ca=authority.certificate, certificate=ours.certificate, key=ours.key)
        await both_twins(target, tls=known)
        assert (await post(url, verify=trusting(authority.certificate, ours))).status_code == 200

        await refused(target, tls=sdk.Tls(ca=authority.certificate))
        await refused(
            target, tls=sdk.Tls(ca=authority.certificate, certificate=theirs.certificate, key=theirs.key)
        )
        await refused(target)
        for context in (trusting(authority.certificate), trusting(authority.certificate, theirs)):
            with pytest.raises(httpx.HTTPError):
                await post(url, verify=context)


async def test_a_tls_client_at_a_plain_server(authority: Authority) -> None:
    async with serving() as application:
        target = f"127.0.0.1:{application.grpc_port}"
        error = await refused(target, tls=sdk.Tls(ca=authority.certificate))
        assert "tls" in (error.fix or "").lower()


async def test_unix_sockets_for_both(tmp_path: Path) -> None:
    http, grpc_socket = tmp_path / "http.sock", tmp_path / "grpc.sock"
    async with serving(server={"http_socket": http, "grpc_socket": grpc_socket}) as application:
        assert (application.http_port, application.grpc_port) == (0, 0)
        for path in (http, grpc_socket):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, "for this user alone"
        await both_twins(f"unix:{grpc_socket}", api_key="unused")
        transport = httpx.AsyncHTTPTransport(uds=str(http))
        answer = await post("http://localhost", transport=transport)
        assert answer.json()["pillars"]["year"]["index"] == 6
        with pytest.raises(HyperCubeError, match="somebody listens there") as caught:
            async with serving(server={"http_socket": http}):
                pass
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
        with pytest.raises(HyperCubeError, match="somebody listens there"):
            async with serving(server={"grpc_socket": grpc_socket}):
                pass
    assert not http.exists()
    assert not grpc_socket.exists()


async def test_a_stale_socket_makes_room_and_a_file_does_not(tmp_path: Path) -> None:
    stale, taken = tmp_path / "stale.sock", tmp_path / "notes.txt"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(stale))
    assert stale.is_socket()
    taken.write_text("mine")
    async with serving(server={"http_socket": stale}):
        assert (
            await post("http://localhost", transport=httpx.AsyncHTTPTransport(uds=str(stale)))
        ).status_code == 200
    for name in ("http_socket", "grpc_socket"):
        with pytest.raises(HyperCubeError, match="no socket") as caught:
            async with serving(server={name: taken}):
                pass
        assert caught.value.param == f"server.{name}"
        with pytest.raises(HyperCubeError, match="cannot be used") as caught:
            async with serving(server={name: tmp_path / ("x" * 120)}):
                pass
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert taken.read_text() == "mine"


async def test_a_socket_is_plain_where_ports_are_encrypted(server_files: Files, tmp_path: Path) -> None:
    path = tmp_path / "grpc.sock"
    async with serving(tls=settings_of(server_files), server={"grpc_socket": path}):
        await both_twins(f"unix:{path}")


def test_what_is_wrong_with_the_files_is_said_at_the_start(
    tmp_path: Path, server_files: Files, authority: Authority, stranger: Authority
) -> None:
    other = stranger.issue("other")
    text, locked = tmp_path / "text.pem", tmp_path / "locked.pem"
    broken = tmp_path / "broken.pem"
    text.write_text("hello")
    locked.write_bytes(pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    right = {"certificate": server_files.certificate, "key": server_files.key}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"certificate": server_files.certificate}, "tls.key", "is missing"),
        ({"key": server_files.key}, "tls.certificate", "is missing"),
        ({"client_ca": authority.certificate}, "tls.certificate", "is missing"),
        (right | {"certificate": tmp_path / "nowhere.pem"}, "tls.certificate", "No such file"),
        (right | {"certificate": text}, "tls.certificate", "no PEM"),
        (right | {"certificate": broken}, "tls.certificate", "does not work"),
        (right | {"key": other.key}, "tls.certificate", "key values mismatch"),
        (right | {"key": locked}, "tls.key", "passphrase"),
        (right | {"key": tmp_path}, "tls.key", "directory"),
        (right | {"client_ca": text}, "tls.client_ca", "no PEM"),
        (right | {"client_ca": broken}, "tls.client_ca", "cannot be used"),
    ]
    for given, param, words in cases:
        with pytest.raises(HyperCubeError, match=words) as caught:
            Application(Settings(tls=TlsSettings(**given), model={"name": "none"}))  # type: ignore[arg-type]
        assert caught.value.param == param
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert load_tls(TlsSettings()) is None
    assert load_tls(TlsSettings(**right)) is not None  # type: ignore[arg-type]


def test_what_is_wrong_with_the_clients_files(tmp_path: Path, server_files: Files) -> None:
    text = tmp_path / "text.pem"
    text.write_text("hello")
    for tls, param in (
        (sdk.Tls(ca=tmp_path / "nowhere.pem"), "tls.ca"),
        (sdk.Tls(ca=text), "tls.ca"),
        (sdk.Tls(ca=b"hello"), "tls.ca"),
        (sdk.Tls(certificate=server_files.certificate), "tls.key"),
        (sdk.Tls(key=server_files.key), "tls.certificate"),
        ("ca.pem", "tls"),
    ):
        for make in (sdk.Client, sdk.AsyncClient):
            with pytest.raises(sdk.InvalidArgument) as caught:
                make("127.0.0.1:1", tls=tls)  # type: ignore[arg-type]
            assert caught.value.param == param
