"""The keys of a manifest file, checked by pydantic, to and from `ModelManifest`."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.served_models import Capability
from hypercube.model_registry.manifest import MODEL_NAME, ModelFile, ModelManifest
from hypercube.model_registry.refusal import check_name
from hypercube.model_registry.shape import ModelShape
from hypercube.model_registry.signature import Limits, Signature, Tensor
from hypercube.model_registry.source_file import FileSource, ModelSource, document_of
from hypercube.model_registry.versions import SemVer


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _File(_Table):
    name: str
    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sources: tuple[FileSource, ...] = ()

    @field_validator("name")
    @classmethod
    def _safe(cls, name: str) -> str:
        try:
            check_name(name)
        except HyperCubeError as error:
            raise ValueError(str(error).rstrip(".")) from error
        return name


class _Tensor(_Table):
    name: str = Field(min_length=1)
    dtype: str = Field(min_length=1)
    shape: tuple[int, ...] = (-1,)
    optional: bool = False


class _Limits(_Table):
    batch: int | None = Field(None, ge=1)
    input_tokens: int | None = Field(None, ge=1)
    output_tokens: int | None = Field(None, ge=1)


class _Signature(_Table):
    inputs: tuple[_Tensor, ...] = ()
    outputs: tuple[_Tensor, ...] = ()
    limits: _Limits = _Limits()

    def plain(self) -> Signature:
        return Signature(
            tuple(Tensor(**tensor.model_dump()) for tensor in self.inputs),
            tuple(Tensor(**tensor.model_dump()) for tensor in self.outputs),
            Limits(**self.limits.model_dump()),
        )


class _Shape(_Table):
    parameters: int = Field(ge=1)
    hidden_size: int = Field(ge=1)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1)
    vocabulary: int = Field(ge=1)


class ManifestDocument(_Table):
    """A manifest file's keys; `docs/models.md` describes them."""

    name: str
    version: str
    description: str = ""
    licence: str = "NOASSERTION"
    format: Literal["gguf", "safetensors", "npz", "lora", "none"]
    engines: Annotated[tuple[str, ...], Field(min_length=1)]
    context_length: int = Field(0, ge=0)
    created: int = Field(0, ge=0)
    capabilities: tuple[Capability, ...] = (Capability.GENERATE,)
    digest: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    dtype: str = ""
    max_tensor_parallel: int | None = Field(None, ge=1)
    chat_template: str | None = None
    adapters: tuple[str, ...] = ()
    base: str | None = None
    memory_bytes: int | None = Field(None, ge=1)
    signature: _Signature | None = None
    shape: _Shape | None = None
    sources: tuple[ModelSource, ...] = ()
    files: tuple[_File, ...] = ()

    @field_validator("name", "base")
    @classmethod
    def _plain(cls, name: str | None) -> str | None:
        if name is not None and not MODEL_NAME.fullmatch(name):
            raise ValueError(f"must match {MODEL_NAME.pattern}")
        return name

    @field_validator("version")
    @classmethod
    def _semantic(cls, version: str) -> str:
        SemVer.parse(version)
        return version

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [file.name for file in self.files]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"files names {twice!r} twice")
        if bool(names) != (self.format != "none"):
            raise ValueError(f"format {self.format!r} and {len(names)} files contradict each other")
        if self.format == "gguf" and not any(name.endswith(".gguf") for name in names):
            raise ValueError("a gguf model needs a .gguf file")
        if self.format == "safetensors" and not any(name.endswith(".safetensors") for name in names):
            raise ValueError("a safetensors model needs a .safetensors file")
        if self.format == "npz" and not any(name.endswith(".npz") for name in names):
            raise ValueError("an npz model needs a .npz file")
        if self.format in {"gguf", "safetensors", "npz"} and self.context_length < 1:
            raise ValueError("context_length is missing: the tokens that the model was trained for")
        if (self.format == "lora") != (self.base is not None):
            raise ValueError("an adapter has format 'lora' and names its `base`; a model does neither")
        return self

    def manifest(self, folder: Path | None = None) -> ModelManifest:
        """As the rest of the program knows it; relative paths of sources begin at `folder`.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when `digest` is not that of the files.
        """
        base = folder if folder is not None else Path.cwd()
        files = tuple(
            ModelFile(
                file.name,
                file.size,
                file.sha256,
                tuple(source.plain(file.name, base) for source in (*file.sources, *self.sources)),
            )
            for file in self.files
        )
        if self.format == "gguf":  # the first file is the one that is opened
            files = tuple(sorted(files, key=lambda file: not file.name.endswith(".gguf")))
        manifest = ModelManifest(
            name=self.name,
            version=self.version,
            description=self.description,
            licence=self.licence,
            engine=self.engines[0],
            format=self.format,
            context_length=self.context_length,
            created=self.created,
            files=files,
            capabilities=self.capabilities,
            shape=ModelShape(**self.shape.model_dump()) if self.shape is not None else None,
            engines=self.engines if len(self.engines) > 1 else (),
            dtype=self.dtype,
            max_tensor_parallel=self.max_tensor_parallel,
            chat_template=self.chat_template,
            signature=self.signature.plain() if self.signature is not None else None,
            adapters=self.adapters,
            base=self.base,
            memory_bytes=self.memory_bytes,
        )
        if self.digest is not None and self.digest != manifest.digest:
            raise invalid(
                f"The manifest of {self.name!r} declares the digest {self.digest}; its files make "
                f"{manifest.digest}.",
                param="digest",
                value=self.digest,
                fix="A file was changed, added or left out: correct `files`, or leave `digest` out.",
            )
        return manifest


def document(manifest: ModelManifest) -> dict[str, Any]:
    """`manifest` as plain data, which `manifest_of` reads back; a derivation is not part of it."""
    data: dict[str, Any] = {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "description": manifest.description,
        "licence": manifest.licence,
        "format": manifest.format,
        "engines": list(manifest.engines or (manifest.engine,)),
        "context_length": manifest.context_length,
        "created": manifest.created,
        "capabilities": [capability.value for capability in manifest.capabilities],
        "dtype": manifest.dtype,
        "max_tensor_parallel": manifest.max_tensor_parallel,
        "chat_template": manifest.chat_template,
        "adapters": list(manifest.adapters),
        "base": manifest.base,
        "memory_bytes": manifest.memory_bytes,
        "signature": _plain_signature(manifest.signature),
        "shape": None
        if manifest.shape is None
        else {name: getattr(manifest.shape, name) for name in _Shape.model_fields},
        "files": [
            {
                "name": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "sources": [document_of(source) for source in file.sources],
            }
            for file in manifest.files
        ],
    }
    return {key: value for key, value in data.items() if value not in (None, "", [])}


def _plain_signature(signature: Signature | None) -> dict[str, Any] | None:
    if signature is None:
        return None
    tensors = {
        side: [
            {"name": t.name, "dtype": t.dtype, "shape": list(t.shape), "optional": t.optional}
            for t in getattr(signature, side)
        ]
        for side in ("inputs", "outputs")
    }
    limits = {name: getattr(signature.limits, name) for name in _Limits.model_fields}
    return tensors | {"limits": {name: value for name, value in limits.items() if value is not None}}


INNER_KEYS: Final = tuple(
    key for table in (_File, _Tensor, _Limits, _Signature, _Shape) for key in table.model_fields
)
