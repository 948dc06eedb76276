"""Manifest files: every key read back as written, every mistake named by its key."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.manifest_document import document
from hypercube.model_registry.manifest_file import manifest_of, read_manifest
from hypercube.model_registry.memory import estimate
from hypercube.model_registry.shape import ModelShape
from hypercube.model_registry.signature import Limits, Signature, Tensor
from hypercube.model_registry.sources import HubFile, LocalFile, PackageMember, UrlFile
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.versions import SemVer

WHOLE = """
name = "saju-chat"
version = "1.2.0"
description = "사주 상담"
licence = "Apache-2.0"
format = "safetensors"
engines = ["vllm", "transformers"]
context_length = 4096
created = 1795392000
capabilities = ["generate"]
dtype = "bfloat16"
max_tensor_parallel = 4
chat_template = "{{ messages[0].content }}"
adapters = ["tone@1.0.0"]
memory_bytes = 3000000000

[[sources]]
kind = "hub"
repo = "org/saju-chat"
revision = "0123abcd"

[[sources]]
kind = "url"
url = "https://models.example.com/saju/"

[[sources]]
kind = "url"
url = "s3://models/saju/"

[[sources]]
kind = "folder"
path = "weights"

[[files]]
name = "model.safetensors"
size = 100
sha256 = "AAAA"

[[files]]
name = "1_Pooling/config.json"
size = 10
sha256 = "BBBB"

[[files.sources]]
kind = "package-member"
distribution = "saju-chat-model"
version = "1.0.0"
member = "x/config.json"
wheel_size = 5000

[signature]
limits = { input_tokens = 3000, output_tokens = 1000 }

[[signature.inputs]]
name = "prompt"
dtype = "BYTES"
shape = [1]

[[signature.outputs]]
name = "text"
dtype = "BYTES"

[shape]
parameters = 1000
hidden_size = 8
layers = 2
heads = 2
kv_heads = 1
head_dim = 4
vocabulary = 16
""".replace("AAAA", "a" * 64).replace("BBBB", "b" * 64)


def written(folder: Path, text: str, name: str = "model.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_arrives(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, WHOLE))
    weights, config = manifest.files
    assert (manifest.name, manifest.version, manifest.description) == ("saju-chat", "1.2.0", "사주 상담")
    assert (manifest.engine, manifest.engines) == ("vllm", ("vllm", "transformers"))
    assert (manifest.dtype, manifest.max_tensor_parallel) == ("bfloat16", 4)
    assert (manifest.chat_template, manifest.adapters) == ("{{ messages[0].content }}", ("tone@1.0.0",))
    assert manifest.capabilities == (Capability.GENERATE,)
    # In order, and each with the file's own name.
    assert weights.sources == (
        HubFile("org/saju-chat", "model.safetensors", "0123abcd"),
        UrlFile("https://models.example.com/saju/model.safetensors"),
        UrlFile("s3://models/saju/model.safetensors"),
        LocalFile(tmp_path / "weights" / "model.safetensors"),
    )
    assert config.sources[0] == PackageMember("saju-chat-model", "1.0.0", "x/config.json", 5000)
    assert config.sources[1] == HubFile("org/saju-chat", "1_Pooling/config.json", "0123abcd")
    assert manifest.signature == Signature(
        (Tensor("prompt", "BYTES", (1,)),), (Tensor("text", "BYTES"),), Limits(None, 3000, 1000)
    )
    assert manifest.shape == ModelShape(1000, 8, 2, 2, 1, 4, 16)
    assert estimate(manifest) == 3_000_000_000


def test_json_and_yaml_say_the_same(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    toml, tree = read_manifest(written(tmp_path, WHOLE)), tomllib.loads(WHOLE)
    assert read_manifest(written(tmp_path, json.dumps(tree), "model.json")) == toml
    assert read_manifest(written(tmp_path, yaml.safe_dump(tree, allow_unicode=True), "model.yaml")) == toml


def test_yaml_without_its_package_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(HyperCubeError, match="pip install pyyaml") as caught:
        read_manifest(written(tmp_path, "name: x", "model.yaml"))
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


@pytest.mark.parametrize("name", [*CATALOGUE, "file"])
def test_a_manifest_is_read_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    manifest = read_manifest(written(tmp_path, WHOLE)) if name == "file" else CATALOGUE[name]
    data = json.loads(json.dumps(document(manifest)))
    assert manifest_of(data, "here") == manifest
    assert data["digest"] == manifest.digest


def test_the_digest_is_of_the_content_alone() -> None:
    from dataclasses import replace

    manifest = CATALOGUE["all-minilm-l6-v2"]
    same = replace(manifest, version="9.0.0", description="", files=tuple(reversed(manifest.files)))
    assert same.digest == manifest.digest
    first, *others = manifest.files
    for changed in (replace(first, sha256="0" * 64), replace(first, size=1), replace(first, name="x")):
        assert replace(manifest, files=(changed, *others)).digest != manifest.digest


def test_a_digest_that_is_not_that_of_the_files_is_refused(tmp_path: Path) -> None:
    path = written(
        tmp_path, WHOLE.replace('version = "1.2.0"', f'version = "1.2.0"\ndigest = "{"c" * 64}"', 1)
    )
    with pytest.raises(HyperCubeError, match=f"declares the digest {'c' * 64}") as caught:
        read_manifest(path)
    assert caught.value.param == "digest"


@pytest.mark.parametrize(
    ("old", "new", "param", "words"),
    [
        ('name = "saju-chat"', 'name = "Saju Chat"', "name", "must match"),
        ('name = "saju-chat"\n', "", "name", "is missing"),
        ('version = "1.2.0"', 'version = "1.2"', "version", "not a semantic version"),
        ('format = "safetensors"', 'format = "pickle"', "format", "'gguf', 'safetensors'"),
        ("engines = [", "engine = [", "engine", "Did you mean 'engines'"),
        ("context_length = 4096", "context_length = -1", "context_length", "= -1"),
        ("context_length = 4096", "context_length = 0", "manifest", "context_length is missing"),
        ("size = 100", "size = 0", "files[0].size", "= 0"),
        ("size = 100", "sise = 100", "files[0].sise", "Did you mean 'size'"),
        ("a" * 64, "A" * 64, "files[0].sha256", "files[0].sha256"),
        ('"model.safetensors"', '"../model.safetensors"', "files[0].name", "climbs out of the model's folder"),
        ('"model.safetensors"', '"/etc/model.safetensors"', "files[0].name", "climbs out"),
        ('"model.safetensors"', '"C:/model.safetensors"', "files[0].name", "climbs out"),
        ('"model.safetensors"', '"a/../../m.safetensors"', "files[0].name", "climbs out"),
        ('"model.safetensors"', '"pytorch_model.bin"', "files[0].name", "pytorch_model.bin is refused"),
        ('"1_Pooling/config.json"', '"model.safetensors"', "manifest", "twice"),
        ('repo = "org/saju-chat"', 'repo = "../x"', "manifest", "must be written ORG/NAME"),
        ('"https://models.example.com/saju/"', '"http://models.example.com/"', "manifest", "must begin with https://"),
        ('"https://models.example.com/saju/"', '"https://u:p@models.example.com/"', "manifest", "holds a password"),
        ('kind = "folder"', 'kind = "folders"', "sources[3]", "folders"),
        ("shape = [1]", "shape = [0]", "manifest", "lengths, or -1"),
        ("heads = 2", "heads = 0", "shape.heads", "= 0"),
        ("capabilities = [\"generate\"]", 'capabilities = ["fly"]', "capabilities[0]", "= 'fly'"),
        ('adapters = ["tone@1.0.0"]', 'base = "x"', "manifest", "an adapter has format 'lora'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_key(tmp_path: Path, old: str, new: str, param: str, words: str) -> None:
    assert old in WHOLE
    with pytest.raises(HyperCubeError) as caught:
        read_manifest(written(tmp_path, WHOLE.replace(old, new, 1)))
    error = caught.value
    assert error.kind is ErrorKind.INVALID_ARGUMENT
    assert error.param == param
    assert words in str(error)
    assert "model.toml" in str(error)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.toml", "= 1"), ("a.json", "{"), ("a.json", "[]"), ("a.yaml", "a: [b"), ("a.yaml", "!!python/object:os.x {}"),
     ("a.json", "[" * 100_000), ("a.toml", "\x00")],
)  # fmt: skip
def test_a_file_that_is_no_manifest_is_named(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(HyperCubeError, match=name) as caught:
        read_manifest(written(tmp_path, text, name))
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT


tree_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(sorted(tomllib.loads(WHOLE))), value=tree_values)
def test_whatever_a_key_holds_the_answer_is_a_manifest_or_a_sentence(key: str, value: Any) -> None:
    try:
        manifest_of(tomllib.loads(WHOLE) | {key: value}, "here")
    except HyperCubeError as error:
        # Some of the trees are manifests, and raise nothing.
        assert error.kind is ErrorKind.INVALID_ARGUMENT  # noqa: PT017
        assert "here" in error.message or error.param == "digest"  # noqa: PT017


@pytest.mark.parametrize("text", ["1.0.0", "0.0.1-a.b+c", "10.20.30", "1.0.0+gguf-safetensors.1.bfloat16"])
def test_semantic_versions_are_taken(text: str) -> None:
    SemVer.parse(text)


@pytest.mark.parametrize(
    "text", ["1", "1.0", "v1.0.0", "1.0.0-", "01.0.0", "1.0.0-01", "1.0.0+", "1.0.0 ", "٣.0.0", ""]
)
def test_other_versions_are_not(text: str) -> None:
    with pytest.raises(ValueError, match="semantic version"):
        SemVer.parse(text)


def test_a_request_for_more_tokens_than_the_signature_allows_is_refused() -> None:
    signature = Signature((), (), Limits(input_tokens=10, output_tokens=5))
    signature.check_tokens(10, 5)
    for prompt, output in ((11, 5), (10, 6)):
        with pytest.raises(HyperCubeError, match="this model's manifest allows"):
            signature.check_tokens(prompt, output)


def test_measured_memory_belongs_to_its_content(tmp_path: Path) -> None:
    from dataclasses import replace

    store, manifest = ModelStore(tmp_path), CATALOGUE["gemma-3-270m"]
    store.measurements.record(manifest, "cpu", 500)
    store.measurements.record(manifest, "cuda:0", 900)
    store.measurements.record(manifest, "cpu", 400)
    assert ModelStore(tmp_path).measurements.of(manifest) == {"cpu": 500, "cuda:0": 900}
    assert store.measurements.of(replace(manifest, files=())) == {}
    # Weights as large as their file, and 2 · 18 · 1 · 256 values of 2 bytes a token.
    assert estimate(manifest, tokens=1000) == manifest.size + 2 * 18 * 256 * 2 * 1000
