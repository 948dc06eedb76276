"""Device memory that a version needs: estimated from its manifest, then as it was measured."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypercube.model_registry.disk import write_whole
from hypercube.model_registry.manifest import ModelManifest

_WEIGHTS: Final = (".gguf", ".npz", ".safetensors")
_CACHE_BYTES: Final = 2
"""Of a key or a value in the cache, 16 bits wide as every engine here has it by default."""


def estimate(manifest: ModelManifest, tokens: int | None = None) -> int:
    """Bytes for the weights and the cache of `tokens` tokens (None: one context); without an engine's own needs.

    The author's figure where the manifest has one. The weights take what their files take; the cache is counted
    where the model's shape is known.
    """
    if manifest.memory_bytes is not None:
        return manifest.memory_bytes
    weights = sum(file.size for file in manifest.files if file.name.endswith(_WEIGHTS))
    if manifest.shape is None:
        return weights
    length = manifest.context_length if tokens is None else tokens
    return weights + _CACHE_BYTES * manifest.shape.cache_values(length)


@dataclass(frozen=True, slots=True)
class Measurements:
    """What versions were seen to need, by device; each belongs to one content digest."""

    folder: Path

    def of(self, manifest: ModelManifest) -> dict[str, int]:
        """Device ("cpu", "cuda:0" …) -> the most bytes that it was seen to need there."""
        try:
            data = json.loads(self._path(manifest).read_text(encoding="utf-8"))
            if data["digest"] != manifest.digest:
                return {}
            return {str(device): int(count) for device, count in data["bytes"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def record(self, manifest: ModelManifest, device: str, count: int) -> None:
        """It needed `count` bytes on `device`; the most ever seen is kept."""
        seen = self.of(manifest)
        seen[device] = max(count, seen.get(device, 0))
        data = {"digest": manifest.digest, "bytes": seen}
        write_whole(self._path(manifest), json.dumps(data).encode())

    def _path(self, manifest: ModelManifest) -> Path:
        return self.folder / f"{manifest.reference}.json"
