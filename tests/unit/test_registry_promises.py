"""The promises of the registry that the store keeps; each test is named after the feature it proves."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.tensors import Datatype, generation_model, inputs_by_name
from hypercube.core.tensors import Tensor as RequestTensor
from hypercube.inference.known_versions import KnownVersions
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.signature import Limits, Signature, Tensor
from hypercube.model_registry.sources import LocalFile
from hypercube.model_registry.store import ModelStore


def bring(store: ModelStore, name: str, version: str, data: bytes, **fields: object) -> ModelManifest:
    """A version fetched from a file beside the store."""
    source = store.root.parent / f"{name}-{version}.gguf"
    source.write_bytes(b"GGUF" + data)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    file = ModelFile("tiny.gguf", len(data) + 4, digest, (LocalFile(source),))
    manifest = ModelManifest(name, version, "", "MIT", "llama.cpp", "gguf", 10, 0, (file,))
    manifest = replace(manifest, **fields)  # type: ignore[arg-type]
    store.fetch(manifest)
    return manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


def test_versions_are_semver_with_a_content_digest(store: ModelStore) -> None:
    first, second = bring(store, "tiny", "1.9.0", b"a"), bring(store, "tiny", "1.10.0", b"b")
    registry = ModelRegistry(store)
    assert registry.resolve("tiny") == second
    assert registry.resolve("tiny@1.9.0") == first
    assert first.digest != second.digest
    with pytest.raises(HyperCubeError, match="a version never changes"):
        bring(store, "tiny", "1.9.0", b"c")


def test_aliases_move_atomically_with_a_history(store: ModelStore) -> None:
    bring(store, "tiny", "1.0.0", b"a")
    bring(store, "tiny", "1.1.0", b"b")
    registry = ModelRegistry(store, poll_s=0)
    registry.set_alias("tiny", "production", "1.0.0", who="kim")
    other = ModelRegistry(ModelStore(store.root), poll_s=0)
    assert other.resolve("tiny").version == "1.0.0"
    registry.set_alias("tiny", "production", "1.1.0", who="lee")
    assert other.resolve("tiny").version == "1.1.0"
    assert [(move.who, move.before, move.after) for move in other.history("tiny")] == [
        ("kim", None, "1.0.0"),
        ("lee", "1.0.0", "1.1.0"),
    ]
    log = (store.root / "routes" / "tiny.jsonl").read_bytes()
    registry.rollback("tiny")
    assert (store.root / "routes" / "tiny.jsonl").read_bytes().startswith(log)


@pytest.mark.parametrize("position", [0, 3, 500, 1003])
def test_the_checksum_is_always_verified_and_a_flipped_byte_is_named(
    store: ModelStore, position: int
) -> None:
    old, new = bring(store, "tiny", "1.0.0", b"a" * 1000), bring(store, "tiny", "1.1.0", b"b" * 1000)
    blob = store.path_of(new.files[0])
    data = bytearray(blob.read_bytes())
    data[position] ^= 1
    blob.write_bytes(data)
    with pytest.raises(HyperCubeError) as caught:
        store.verify(new)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    for part in ("tiny.gguf", str(blob), new.files[0].sha256, hashlib.sha256(data).hexdigest()):
        assert part in caught.value.message
    assert store.verify(old).bytes == 1004


def test_the_signature_is_kept_and_checked_at_a_request(store: ModelStore) -> None:
    signature = Signature((Tensor("prompt", "BYTES"),), (Tensor("text", "BYTES"),), Limits(output_tokens=5))
    bring(store, "tiny", "1.0.0", b"a", signature=signature)
    kept = ModelRegistry(ModelStore(store.root)).resolve("tiny")
    assert kept.signature == signature
    # As requests are held against it; over both doors in tests/contract/gateway/test_inference_versions.py.
    (known,) = KnownVersions(None).of(kept)
    asked = replace(generation_model("tiny"), inputs=known.inputs)
    with pytest.raises(HyperCubeError) as caught:
        inputs_by_name(asked, [RequestTensor("promt", Datatype.BYTES, (1,), b"")])
    assert caught.value.fix is not None
    assert caught.value.fix.startswith("Did you mean 'prompt'?")


def test_the_digest_of_model_and_adapter_is_one_key(store: ModelStore) -> None:
    bring(store, "tiny", "1.0.0", b"model")
    bring(store, "tiny", "2.0.0", b"another model")
    for name in ("tone", "mood"):
        bring(store, name, "1.0.0", name.encode(), format="lora", base="tiny", engine="vllm")
    registry = ModelRegistry(store, poll_s=0)
    references = ("tiny@1.0.0", "tiny@2.0.0", "tiny@1.0.0:tone", "tiny@1.0.0:mood", "tiny@2.0.0:tone")
    before = {reference: registry.route(reference).digest for reference in references}
    assert len(set(before.values())) == len(references)
    # Replacing one adapter changes its own key, and no other's.
    bring(store, "tone", "1.1.0", b"tone again", format="lora", base="tiny", engine="vllm")
    registry = ModelRegistry(store, poll_s=0)
    after = {reference: registry.route(reference).digest for reference in references}
    changed = {reference for reference in references if before[reference] != after[reference]}
    assert changed == {"tiny@1.0.0:tone", "tiny@2.0.0:tone"}


def test_no_half_copied_model_can_be_loaded(store: ModelStore, tmp_path: Path) -> None:
    whole = bring(store, "tiny", "1.0.0", b"a")
    source = tmp_path / "tiny-2.gguf"
    source.write_bytes(b"GGUF" + b"x" * 100)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    files = (
        ModelFile("tiny.gguf", 104, digest, (LocalFile(source),)),
        ModelFile("vocab.txt", 5, "0" * 64, (LocalFile(tmp_path / "none"),)),
    )
    half = replace(whole, version="2.0.0", files=files)
    with pytest.raises(HyperCubeError, match=r"No source could deliver vocab\.txt"):
        store.fetch(half)
    registry = ModelRegistry(store, poll_s=0)
    assert registry.resolve("tiny") == whole
    assert not store.has(half)
    for refuse in (store.verify, store.folder_of, store.lease):
        with pytest.raises(HyperCubeError, match=r"vocab\.txt of 'tiny' is not in the store"):
            refuse(half)
    with pytest.raises(HyperCubeError, match="not here whole"):
        registry.set_alias("tiny", "production", "2.0.0")
    assert not (store.root / "models" / "tiny@2.0.0.json").exists()
    assert json.loads((store.root / "known" / "tiny@2.0.0.json").read_text())["version"] == "2.0.0"


def test_a_canary_is_a_weighted_alias_sticky_by_key(store: ModelStore) -> None:
    bring(store, "tiny", "1.0.0", b"a")
    bring(store, "tiny", "1.1.0", b"b")
    registry = ModelRegistry(store, poll_s=0)
    registry.set_alias("tiny", "production", "1.0.0")
    registry.set_alias("tiny", "canary", "1.1.0")
    registry.set_split("tiny", {"production": 95, "canary": 5})
    fixed = ModelRegistry(ModelStore(store.root), clock=lambda: 0.0)
    keys = [f"user-{number}" for number in range(4000)]
    taken = {key: fixed.route("tiny", key).target for key in keys}
    share = list(taken.values()).count("canary") / len(keys)
    assert abs(share - 0.05) < 6 * (0.05 * 0.95 / len(keys)) ** 0.5
    assert taken == {key: fixed.route("tiny", key).target for key in keys}
    # More canary: nobody who has it loses it.
    registry.set_split("tiny", {"production": 80, "canary": 20})
    fixed = ModelRegistry(ModelStore(store.root), clock=lambda: 0.0)
    assert all(fixed.route("tiny", key).target == "canary" for key in keys if taken[key] == "canary")
    # And back: everybody is on production at once.
    registry.set_split("tiny", {"production": 1, "canary": 0})
    fixed = ModelRegistry(ModelStore(store.root), clock=lambda: 0.0)
    assert {fixed.resolve("tiny", key).version for key in keys} == {"1.0.0"}


def test_a_record_that_cannot_be_read_stops_its_own_model_only(store: ModelStore) -> None:
    whole, later = bring(store, "tiny", "1.0.0", b"a"), bring(store, "later", "1.0.0", b"b")
    record = store.root / "models" / "later@1.0.0.json"
    data = json.loads(record.read_text())
    record.write_text(json.dumps(data | {"format": "of-a-later-release"}))
    registry = ModelRegistry(ModelStore(store.root), poll_s=0)
    assert registry.resolve("tiny") == whole
    with pytest.raises(HyperCubeError, match="of-a-later-release") as caught:
        registry.resolve("later")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert str(record) in caught.value.message
    # What it may hold is not known, so nothing is collected.
    with pytest.raises(HyperCubeError, match=r"later@1\.0\.0\.json"):
        store.collect()
    record.write_text(json.dumps(data))
    assert ModelRegistry(ModelStore(store.root), poll_s=0).resolve("later") == later
