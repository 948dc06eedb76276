"""The check before each load: every byte read once, hashed as it streams, compared with the manifest."""

import threading
from dataclasses import dataclass
from pathlib import Path

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.partial import TransferCancelledError, sha256_of


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check cost.

    Attributes:
        files: how many were read.
        bytes: how many, each once.
        seconds: wall time.
    """

    files: int
    bytes: int
    seconds: float

    @property
    def bytes_per_second(self) -> float:
        """0 when nothing was read."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0


def verify_files(
    layout: Layout, manifest: ModelManifest, clock: Clock, cancel: threading.Event | None = None
) -> Verification:
    """Hash every file of `manifest`.

    Raises:
        HyperCubeError: FAILED_PRECONDITION naming the file, with both digests, or saying that it is missing;
            CANCELLED when `cancel` was set.
        OSError: a file cannot be read.
    """
    began, total = clock(), 0
    for file in manifest.files:
        path = layout.blob(file)
        try:
            digest = sha256_of(path, cancel)
        except FileNotFoundError:
            raise missing(layout, file, manifest) from None
        except TransferCancelledError:
            raise HyperCubeError(ErrorKind.CANCELLED, "The check was interrupted.") from None
        if digest != file.sha256:
            raise _damaged(path, file, digest, manifest)
        total += file.size
    return Verification(len(manifest.files), total, clock() - began)


def missing(layout: Layout, file: ModelFile, manifest: ModelManifest) -> HyperCubeError:
    """FAILED_PRECONDITION: `file` is not in the store."""
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"{file.name} of {manifest.name!r} is not in the store {layout.root}.",
        fix=f"Fetch it: hypercube models pull {manifest.name}",
        details={"file": file.name},
    )


def _damaged(path: Path, file: ModelFile, digest: str, manifest: ModelManifest) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"{file.name} of {manifest.name!r} is damaged: {path} has sha256 {digest}, expected {file.sha256}.",
        fix=f"Fetch it anew: hypercube models rm {manifest.name} && hypercube models pull {manifest.name}",
        details={"file": file.name, "sha256": digest, "expected_sha256": file.sha256},
    )
