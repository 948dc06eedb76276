"""The sources of a manifest file, and how each becomes the source of one file."""

from pathlib import Path
from typing import Annotated, Any, Literal, assert_never
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field

from hypercube.model_registry.sources import (
    HubFile,
    LocalFile,
    PackageMember,
    PackagePart,
    PackageParts,
    Source,
    UrlFile,
)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hub(_Table):
    """A repository of the model hub; `filename` only where it is not the file's name here."""

    kind: Literal["hub"]
    repo: str
    revision: str = "main"
    filename: str | None = None

    def plain(self, name: str, folder: Path) -> Source:
        """The source of the file `name`."""
        return HubFile(self.repo, self.filename or name, self.revision)


class Folder(_Table):
    """A folder of this machine; a relative path begins at the manifest's own folder."""

    kind: Literal["folder"]
    path: str = Field(min_length=1)

    def plain(self, name: str, folder: Path) -> Source:
        """The source of the file `name`."""
        return LocalFile((folder / Path(self.path).expanduser()).absolute() / name)


class File(_Table):
    """One file of this machine, under whatever name."""

    kind: Literal["file"]
    path: str = Field(min_length=1)

    def plain(self, name: str, folder: Path) -> Source:
        """The source, whatever `name` is."""
        return LocalFile((folder / Path(self.path).expanduser()).absolute())


class Address(_Table):
    """`https://…` or `s3://…`: of one file, or, with a '/' at the end, of the folder that holds them all."""

    kind: Literal["url"]
    url: str

    def plain(self, name: str, folder: Path) -> Source:
        """The source of the file `name`."""
        if urlsplit(self.url).path.endswith("/"):
            return UrlFile(self.url + quote(name))
        return UrlFile(self.url)


class Part(_Table):
    """One slice."""

    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Parts(_Table):
    """Slices, each in a wheel of its own."""

    kind: Literal["package-parts"]
    template: str
    version: str
    member: str
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]

    def plain(self, name: str, folder: Path) -> Source:
        """The source of the file."""
        parts = tuple(PackagePart(part.size, part.sha256) for part in self.parts)
        return PackageParts(self.template, self.version, self.member, parts)


class Member(_Table):
    """A file inside a wheel."""

    kind: Literal["package-member"]
    distribution: str
    version: str
    member: str
    wheel_size: int = Field(gt=0)

    def plain(self, name: str, folder: Path) -> Source:
        """The source of the file."""
        return PackageMember(self.distribution, self.version, self.member, self.wheel_size)


FileSource = Annotated[Hub | Folder | File | Address | Parts | Member, Field(discriminator="kind")]
ModelSource = Annotated[Hub | Folder | Address, Field(discriminator="kind")]


def document_of(source: Source) -> dict[str, Any]:
    """`source` as plain data, as a file's own source in a manifest file."""
    match source:
        case HubFile():
            return {
                "kind": "hub",
                "repo": source.repo,
                "revision": source.revision,
                "filename": source.filename,
            }
        case LocalFile():
            return {"kind": "file", "path": str(source.path)}
        case UrlFile():
            return {"kind": "url", "url": source.url}
        case PackageParts():
            parts = [{"size": part.size, "sha256": part.sha256} for part in source.parts]
            return {
                "kind": "package-parts",
                "template": source.template,
                "version": source.version,
                "member": source.member,
                "parts": parts,
            }
        case PackageMember():
            return {
                "kind": "package-member",
                "distribution": source.distribution,
                "version": source.version,
                "member": source.member,
                "wheel_size": source.wheel_size,
            }
        case _:
            assert_never(source)
