"""The server's certificate, read and tried before anything listens: gRPC would only fail at the first client."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.settings import TlsSettings


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A certificate that works, and who must show one in return.

    Attributes:
        certificate: path of the chain.
        key: path of its key.
        client_ca: path of what signs clients' certificates; None asks for none.
    """

    certificate: Path
    key: Path
    client_ca: Path | None

    def context(self) -> ssl.SSLContext:
        """The certificate for HTTP, as its files are now.

        Raises:
            OSError: a file cannot be read, or OpenSSL (`ssl.SSLError`) cannot use it.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
        return context

    def pair(self) -> tuple[bytes, bytes]:
        """The key and the certificate for gRPC, as their files are now.

        Raises:
            OSError: a file cannot be read.
        """
        return self.key.read_bytes(), self.certificate.read_bytes()

    def uvicorn_options(self) -> dict[str, object]:
        """For `uvicorn.Config`."""
        options: dict[str, object] = {"ssl_certfile": self.certificate, "ssl_keyfile": self.key}
        if self.client_ca is not None:
            options |= {"ssl_ca_certs": self.client_ca, "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return options


def load_tls(settings: TlsSettings) -> ServerTls | None:
    """What the settings name, tried; None where they name nothing.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the setting, for a file that is missing, cannot be read or is no
            PEM, for a key that is another certificate's or asks for a passphrase, and for a part without the other.
    """
    certificate, key, client_ca = settings.certificate, settings.key, settings.client_ca
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        missing = "certificate" if certificate is None else "key"
        raise invalid(
            f"tls.{missing} is missing.",
            param=f"tls.{missing}",
            fix=f"Name its PEM file (HYPERCUBE_TLS_{missing.upper()}), or leave all of tls out.",
        )
    for name, path in (("certificate", certificate), ("key", key), ("client_ca", client_ca)):
        if path is not None:
            _check_readable(name, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise _unusable("certificate", certificate, f"it does not work with {key}: {_words(error)}") from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except ssl.SSLError as error:
            raise _unusable("client_ca", client_ca, _words(error)) from None
    return ServerTls(certificate, key, client_ca)


def _check_readable(name: str, path: Path) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _unusable(name, path, error.strerror or str(error)) from None
    if b"-----BEGIN " not in text:
        raise _unusable(name, path, "it is no PEM file")
    if b"ENCRYPTED" in text:
        raise _unusable(name, path, "it asks for a passphrase")


def _no_passphrase() -> str:
    return ""  # else OpenSSL would ask at the terminal


def _words(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()


def _unusable(name: str, path: Path, why: str) -> HyperCubeError:
    return invalid(
        f"tls.{name} {str(path)!r} cannot be used: {why}.",
        param=f"tls.{name}",
        value=str(path),
        fix="Name a PEM file that this process can read; certificate and key belong together.",
    )
