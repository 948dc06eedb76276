"""The tokenizer of a GGUF file as the files that Hugging Face libraries read: same text, same token numbers.

Two families exist. SentencePiece BPE (`tokenizer.ggml.model` = "llama") merges the neighbours whose union has the
best score; byte-level BPE ("gpt2") merges by a list. Both are written as `tokenizer.json` with a BPE model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.gguf_file import GgufFile

_NORMAL, _CONTROL, _USER, _UNUSED = 1, 3, 4, 5
"""Token types of the GGUF specification."""
_SPACE: Final = "▁"
_CASELESS: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_WORDS: Final = (
    _CASELESS + r"|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class _Splitting:
    """How text is cut before byte-level merging, by the name in `tokenizer.ggml.pre`."""

    regex: str | None
    """None is GPT-2's own."""
    nfc: bool = False
    """The publisher's tokenizer composes Unicode first (so that Hangul in letters reads like Hangul in blocks)."""
    ignore_merges: bool = False
    """A piece that is a token as it stands is not merged together from others."""
    adds_bos: bool = False


_SPLITTINGS: Final = {
    "gpt-2": _Splitting(None),
    "llama-bpe": _Splitting(_WORDS.format(digits="{1,3}"), ignore_merges=True, adds_bos=True),
    "qwen2": _Splitting(_WORDS.format(digits=""), nfc=True),
}
_ENDS: Final = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>")
"""Control tokens that end an answer in some chat templates, beside the file's own `eos`."""


def tokenizer_files(header: GgufFile) -> dict[str, bytes]:
    """`tokenizer.json`, `tokenizer_config.json` and, where the file has one, `chat_template.jinja`.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a tokenizer that this version cannot express.
    """
    config: dict[str, Any] = {
        # The class that takes tokenizer.json as it is, whatever the model.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(header.of_model("context_length") or 0) or None,
    }
    tokens = _required(header, "tokens")
    for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown")):
        number = header.metadata.get(f"tokenizer.ggml.{key}_token_id")
        if number is not None and (name != "bos" or _adds_bos(header)):
            config[f"{name}_token"] = tokens[number]
    files = {
        "tokenizer.json": _json(_tokenizer(header), compact=True),
        "tokenizer_config.json": _json(config),
    }
    template = header.metadata.get("tokenizer.chat_template")
    if template:
        files["chat_template.jinja"] = str(template).encode()
    return files


def generation_config(header: GgufFile) -> dict[str, Any]:
    """`generation_config.json`: which tokens begin, end and pad. No sampling: requests say that."""
    tokens, kinds = _required(header, "tokens"), _required(header, "token_type")
    ends = [
        header.metadata.get("tokenizer.ggml.eos_token_id"),
        header.metadata.get("tokenizer.ggml.eot_token_id"),
    ]
    ends += [n for n, kind in enumerate(kinds) if kind == _CONTROL and tokens[n] in _ENDS]
    config: dict[str, Any] = {"eos_token_id": list(dict.fromkeys(n for n in ends if n is not None))}
    for name, key in (("bos", "bos"), ("pad", "padding")):
        number = header.metadata.get(f"tokenizer.ggml.{key}_token_id")
        if number is not None:
            config[f"{name}_token_id"] = number
    return config


def _json(data: Mapping[str, Any], *, compact: bool = False) -> bytes:
    separators = (",", ":") if compact else None
    text = json.dumps(data, ensure_ascii=False, indent=None if compact else 2, separators=separators)
    return text.encode() + b"\n"


def _required(header: GgufFile, key: str) -> list[Any]:
    values = header.metadata.get(f"tokenizer.ggml.{key}")
    if values is None:
        raise _refused(f"The GGUF file has no tokenizer.ggml.{key}")
    return list(values)


def _refused(what: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, f"{what}.", fix="llama.cpp serves the file as it is."
    )


def _adds_bos(header: GgufFile) -> bool:
    told = header.metadata.get("tokenizer.ggml.add_bos_token")
    if told is not None:
        return bool(told)
    if header.metadata.get("tokenizer.ggml.model") == "llama":
        return True
    splitting = _SPLITTINGS.get(str(header.metadata.get("tokenizer.ggml.pre")))
    return splitting is not None and splitting.adds_bos


def _tokenizer(header: GgufFile) -> dict[str, Any]:
    model = header.metadata.get("tokenizer.ggml.model")
    if model == "llama":
        parts = _sentencepiece(header)
    elif model == "gpt2":
        parts = _byte_level(header)
    else:
        raise _refused(f"The tokenizer {model!r} of a GGUF file cannot be converted")
    kinds = _required(header, "token_type")
    added = [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": kinds[number] == _CONTROL,
        }
        for number, token in enumerate(_required(header, "tokens"))
        if kinds[number] in {_CONTROL, _USER}
    ]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, **parts}


def _beginning(header: GgufFile) -> dict[str, Any] | None:
    """What puts the first token before a text."""
    number = header.metadata.get("tokenizer.ggml.bos_token_id")
    if number is None or not _adds_bos(header):
        return None
    token = _required(header, "tokens")[number]
    first = {"SpecialToken": {"id": token, "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [first, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [first, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [number], "tokens": [token]}},
    }


def _vocabulary(header: GgufFile) -> dict[str, int]:
    kinds = _required(header, "token_type")
    # Rows that only fill the matrix up are no tokens.
    return {t: n for n, t in enumerate(_required(header, "tokens")) if kinds[n] != _UNUSED}


def _sentencepiece(header: GgufFile) -> dict[str, Any]:
    tokens, prefix = _required(header, "tokens"), header.metadata.get("tokenizer.ggml.add_space_prefix", True)
    spaces: dict[str, Any] = {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE}
    back: list[dict[str, Any]] = [
        {"type": "Replace", "pattern": {"String": _SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix:
        spaces = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": _SPACE}, spaces]}
        back.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    unknown = header.metadata.get("tokenizer.ggml.unknown_token_id")
    return {
        "normalizer": spaces,
        "pre_tokenizer": None,
        "post_processor": _beginning(header),
        "decoder": {"type": "Sequence", "decoders": back},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None if unknown is None else tokens[unknown],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": _vocabulary(header),
            "merges": _merges(tokens, _required(header, "scores"), _required(header, "token_type")),
        },
    }


def _merges(tokens: list[str], scores: list[float], kinds: list[int]) -> list[tuple[str, str]]:
    """Every way to put a token together from two others, best union first.

    SentencePiece merges the pair of neighbours whose union has the best score, leftmost first; a BPE model merges
    the pair that stands first in its list. The same, then, when the list is sorted by the union's score.
    """
    normal = {token: number for number, token in enumerate(tokens) if kinds[number] == _NORMAL}
    found = []
    for token, number in normal.items():
        for cut in range(1, len(token)):
            left, right = normal.get(token[:cut]), normal.get(token[cut:])
            if left is not None and right is not None:
                found.append((-scores[number], number, left, right))
    found.sort()
    return [(tokens[left], tokens[right]) for _, _, left, right in found]


def _byte_level(header: GgufFile) -> dict[str, Any]:
    name = str(header.metadata.get("tokenizer.ggml.pre", "default"))
    splitting = _SPLITTINGS.get(name)
    if splitting is None:
        raise _refused(
            f"The text splitting {name!r} of a GGUF file cannot be converted; known: {', '.join(_SPLITTINGS)}"
        )
    level: dict[str, Any] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
    before: dict[str, Any] = level | {"use_regex": splitting.regex is None}
    if splitting.regex is not None:
        split = {
            "type": "Split",
            "pattern": {"Regex": splitting.regex},
            "behavior": "Isolated",
            "invert": False,
        }
        before = {"type": "Sequence", "pretokenizers": [split, before]}
    plain = level | {"use_regex": False}
    beginning = _beginning(header)
    return {
        "normalizer": {"type": "NFC"} if splitting.nfc else None,
        "pre_tokenizer": before,
        "post_processor": plain
        if beginning is None
        else {"type": "Sequence", "processors": [plain, beginning]},
        "decoder": level | {"use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": splitting.ignore_merges,
            "vocab": _vocabulary(header),
            "merges": [tuple(merge.split(" ", 1)) for merge in _required(header, "merges")],
        },
    }
