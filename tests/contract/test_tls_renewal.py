"""A certificate renewed in its files under a running server, as clients of both doors see it."""

import asyncio
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog.testing
from cryptography import x509

from hypercube import client as sdk
from hypercube.app.application import Application
from hypercube.app.tls import load_tls
from hypercube.app.tls_renewal import RenewedTls
from hypercube.settings import Settings, TlsSettings
from tests.contract.certificates import Authority, Files

WAIT = 20.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def live(tmp_path: Path, authority: Authority) -> Files:
    """The files that the server reads."""
    (tmp_path / "live").mkdir()
    files = Files(tmp_path / "live" / "tls.crt", tmp_path / "live" / "tls.key")
    put(authority.issue("first"), files)
    return files


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def put(new: Files, files: Files) -> None:
    """As a renewal does it: each file is replaced by another one, whole."""
    for source, target in ((new.certificate, files.certificate), (new.key, files.key)):
        beside = target.with_suffix(".new")
        shutil.copyfile(source, beside)
        beside.replace(target)


def serial(files: Files) -> int:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes()).serial_number


async def shown(
    port: int, authority: Authority, name: str | None = "127.0.0.1", own: Files | None = None
) -> int:
    """The serial number of the certificate that a port shows in a handshake."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return x509.load_der_x509_certificate(found).serial_number


def application(files: Files, ca: Path | None = None) -> Application:
    sections: dict[str, Any] = {
        "server": {"http_port": 0, "grpc_port": 0, "drain_s": 1.0},
        "model": {"name": "none"},
        "kernels": {"backend": "reference"},
        "tls": {"certificate": files.certificate, "key": files.key, "client_ca": ca},
    }
    return Application(Settings(**sections))


async def test_both_doors_take_a_renewed_certificate_over(
    authority: Authority, live: Files, logs: list[Any]
) -> None:
    first, second, third = serial(live), authority.issue("second"), authority.issue("third")
    async with application(live).running() as running:
        assert running.tls is not None
        ports = (running.http_port, running.grpc_port)
        assert [await shown(port, authority) for port in ports] == [first, first]
        context = ssl.create_default_context(cafile=authority.certificate)
        async with (
            httpx.AsyncClient(trust_env=False, verify=context) as http,
            sdk.AsyncClient(
                f"127.0.0.1:{ports[1]}", tls=sdk.Tls(ca=authority.certificate), max_retries=0
            ) as client,
        ):

            async def works() -> None:
                answer = await http.get(f"https://127.0.0.1:{ports[0]}/livez")
                assert answer.status_code == 200
                assert (await client.chart("1990-05-03T07:20")).pillars.indices() == (6, 16, 4, 52)

            await works()
            assert not running.tls.renew(), "nothing has changed"
            put(second, live)
            assert running.tls.renew()
            for name in ("127.0.0.1", "localhost"):
                assert [await shown(port, authority, name) for port in ports] == [serial(second)] * 2
            await works()  # over the connections that were open before

            put(Files(third.certificate, second.key), live)
            assert not running.tls.renew(), "the key is not this certificate's"
            live.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            assert not running.tls.renew()
            live.certificate.unlink()
            assert not running.tls.renew()
            assert [await shown(port, authority) for port in ports] == [serial(second)] * 2
            errors = [line for line in logs if line["log_level"] == "error"]
            assert len(errors) == 3
            assert all("old one stays" in str(line["event"]) for line in errors)
            assert not running.tls.renew(), "said once for each change"
            assert len([line for line in logs if line["log_level"] == "error"]) == 3

            put(third, live)
            assert running.tls.renew()
            assert [await shown(port, authority) for port in ports] == [serial(third)] * 2
            await works()


async def test_who_may_connect_stays_as_it_was(authority: Authority, live: Files, tmp_path: Path) -> None:
    ours, second = authority.issue("client", client=True), authority.issue("second")
    stranger = Authority(tmp_path, "strangers").issue("intruder", client=True)
    async with application(live, authority.certificate).running() as running:
        assert running.tls is not None
        put(second, live)
        assert running.tls.renew()
        target, url = f"127.0.0.1:{running.grpc_port}", f"https://127.0.0.1:{running.http_port}/livez"
        for own, welcome in ((ours, True), (stranger, False), (None, False)):
            context = ssl.create_default_context(cafile=authority.certificate)
            if own is not None:
                context.load_cert_chain(own.certificate, own.key)
            tls = sdk.Tls(
                ca=authority.certificate,
                certificate=None if own is None else own.certificate,
                key=None if own is None else own.key,
            )
            async with (
                httpx.AsyncClient(trust_env=False, verify=context) as http,
                sdk.AsyncClient(target, tls=tls, max_retries=0, timeout=WAIT) as client,
            ):
                if welcome:
                    assert (await http.get(url)).status_code == 200
                    assert (await client.chart("1990-05-03T07:20")).pillars.indices() == (6, 16, 4, 52)
                    assert await shown(running.http_port, authority, own=ours) == serial(second)
                    continue
                with pytest.raises(httpx.HTTPError):
                    await http.get(url)
                with pytest.raises(sdk.ConnectionFailed):
                    await client.chart("1990-05-03")


async def test_the_files_are_looked_at_again_and_again(authority: Authority, live: Files) -> None:
    settings = TlsSettings(certificate=live.certificate, key=live.key)
    tls = load_tls(settings)
    assert tls is not None
    looks: asyncio.Queue[bool] = asyncio.Queue()

    class Watched(RenewedTls):
        def renew(self) -> bool:
            renewed = super().renew()
            looks.put_nowait(renewed)
            return renewed

    watching = asyncio.create_task(Watched(settings, tls).watch(0.001))
    try:
        for name in ("second", "third"):
            assert not await asyncio.wait_for(looks.get(), WAIT)
            put(authority.issue(name), live)
            while not await asyncio.wait_for(looks.get(), WAIT):
                pass
    finally:
        watching.cancel()
