"""A certificate that is renewed in its files while the server runs: both doors take it over, connections stay.

The files are looked at every few seconds. A new pair is tried apart from the one in use, so that a broken one, or
one that is half written, changes nothing. Who may connect (`tls.client_ca`) is read at the start only.
"""

import asyncio
import ssl
from pathlib import Path
from typing import Final

import grpc
import uvicorn

from hypercube.app.tls import ServerTls, load_tls
from hypercube.core.errors import HyperCubeError
from hypercube.observability.logs import get_logger
from hypercube.settings import TlsSettings

LOOK_S: Final = 5.0
"""Between two looks at the files."""

_Stamp = tuple[tuple[int, int, int] | None, ...]


class RenewedTls:
    """What a `ServerTls` names, as its files last were when they were good."""

    def __init__(self, settings: TlsSettings, tls: ServerTls) -> None:
        """`tls` is what the settings name, tried."""
        self._settings = settings
        self._tls = tls
        self._stamp = self._look()
        self._context: ssl.SSLContext | None = None
        self._client_ca = None if tls.client_ca is None else tls.client_ca.read_bytes()
        self._offered = self._told = self._grpc_certificate()

    def uvicorn_options(self) -> dict[str, object]:
        """For `uvicorn.Config`, which `follow` is to be given then."""
        return self._tls.uvicorn_options()

    def follow(self, config: uvicorn.Config) -> None:
        """Have HTTP show the newest certificate; before the server starts."""
        config.load()
        if config.ssl is not None:  # a Unix socket is not encrypted
            # Called in each handshake, also of a client that names no host.
            config.ssl.sni_callback = self._swap

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For `add_secure_port`, once."""
        return grpc.dynamic_ssl_server_credentials(
            self._offered,
            self._news,  # type: ignore[arg-type]  # None, for no news, is gRPC's own word, which its stubs lack
            require_client_authentication=self._client_ca is not None,
        )

    def renew(self) -> bool:
        """Take over files that have changed since the last look; whether that was done."""
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            load_tls(self._settings)
            context, certificate = self._tls.context(), self._grpc_certificate()
            if self._client_ca is not None:
                # Clients are asked as the connection began, and judged by the context that it has then.
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(cadata=self._client_ca.decode("ascii", "ignore"))
        except (HyperCubeError, OSError) as error:
            get_logger(__name__).error(
                "the new certificate cannot be used; the old one stays", why=str(error)
            )
            return False
        if self._look() != stamp:
            self._stamp = ()  # it is being written: another look will see all of it
            return False
        self._context, self._offered = context, certificate
        get_logger(__name__).info("certificate renewed", certificate=str(self._tls.certificate))
        return True

    async def watch(self, every_s: float = LOOK_S) -> None:
        """Renew every `every_s` seconds, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self.renew()

    def _grpc_certificate(self) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration([self._tls.pair()], self._client_ca)

    def _swap(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """Show the newest certificate."""
        if self._context is not None:
            connection.context = self._context

    def _news(self) -> "grpc.ServerCertificateConfiguration | None":
        """Asked by gRPC with each connection: the certificate, if it is another one than the last told."""
        if self._told is self._offered:
            return None
        self._told = self._offered
        return self._told

    def _look(self) -> _Stamp:
        return tuple(map(_stamp_of, (self._tls.certificate, self._tls.key)))


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
