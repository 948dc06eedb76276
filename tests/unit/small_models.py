"""Models of a few bytes, for stores."""

import hashlib
import random
import shutil
from pathlib import Path

from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.sources import LocalFile
from hypercube.model_registry.store import ModelStore

CONTENT = b"GGUF" + random.Random(11).randbytes(200_000)


def model_file(data: bytes = CONTENT, *sources: Path) -> ModelFile:
    digest = hashlib.sha256(data).hexdigest()
    return ModelFile("tiny.gguf", len(data), digest, tuple(LocalFile(path) for path in sources))


def manifest(version: str = "1.0.0", data: bytes = CONTENT, *sources: Path) -> ModelManifest:
    return ModelManifest(
        "tiny", version, "", "MIT", "llama.cpp", "gguf", 10, 0, (model_file(data, *sources),)
    )


def publish(store: ModelStore, version: str = "1.0.0", data: bytes = CONTENT) -> ModelManifest:
    draft = store.layout.work_folder("add") / "0"
    draft.write_bytes(data)
    store.publish(manifest(version, data), {"tiny.gguf": draft})
    shutil.rmtree(draft.parent)
    return manifest(version, data)


def brought(tmp_path: Path) -> Path:
    """What a user would bring: a folder of two files."""
    folder = tmp_path / "mine"
    folder.mkdir()
    header = b'{"w":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"w" * 5000)
    (folder / "config.json").write_text('{"architectures": ["X2ForCausalLM"], "max_position_embeddings": 64}')
    return folder
