"""A repository of the model hub becomes a version: listed at one commit, fetched, verified, described."""

import hashlib
import importlib
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, shown
from hypercube.model_registry.adding import Wish
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.model_facts import Facts, no_model, of_adapter, of_config, of_folder, of_gguf
from hypercube.model_registry.refusal import check_name
from hypercube.model_registry.sources import HubFile
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import OnLine, OnProgress, silent

_WANTED: Final = (".gguf", ".jinja", ".json", ".model", ".safetensors", ".txt")
"""Of the many things that lie in repositories, what engines here read."""
_SMALL: Final = 64 << 20
"""Bytes of the largest file without a SHA-256 in the listing; it is read once to have one."""


def add_hub(
    store: ModelStore,
    repo: str,
    revision: str,
    wish: Wish,
    on_progress: OnProgress | None = None,
    on_line: OnLine | None = None,
    cancel: threading.Event | None = None,
) -> ModelManifest:
    """Fetch the files of `repo` at `revision` (a branch, tag or commit; pinned to its commit) and publish them.

    Raises:
        HyperCubeError: NOT_FOUND when the hub has no such repository; UNAVAILABLE when it does not answer;
            INVALID_ARGUMENT naming a file that is refused, and why; as `ModelStore.fetch`.
    """
    try:
        HubFile(repo, "config.json", revision)
    except ValueError as error:
        raise invalid(
            f"{error}.", param="hub", value=repo, fix="Write it as ORG/NAME, or ORG/NAME@REVISION."
        ) from None
    say = on_line or silent
    commit, licence, listing = _listing(store.hub_url, repo, revision, store.silence_s)
    chosen = _chosen(repo, listing, wish)
    contents: dict[str, bytes] = {}
    files = []
    for entry in chosen:
        name, source = str(entry["path"]), HubFile(repo, str(entry["path"]), commit)
        lfs = entry.get("lfs")
        if isinstance(lfs, Mapping):
            files.append(ModelFile(name, int(lfs["size"]), str(lfs["oid"]), (source,)))
            continue
        data = _small(store.hub_url, repo, commit, entry, store.silence_s)
        contents[name] = data
        if data:
            files.append(ModelFile(name, len(data), hashlib.sha256(data).hexdigest(), (source,)))
    names = {file.name for file in files}
    say(f"{repo} at {commit[:12]}: {len(files)} files, {sum(file.size for file in files) / 1e9:.2f} GB.")
    begun = wish.manifest(files, _first_facts(repo, names, contents, licence))
    store.fetch(begun, on_progress, on_line, cancel)
    # The weights are here now, and say the rest.
    facts = (
        of_gguf(store.path_of(begun.files[0]))
        if begun.format == "gguf"
        else of_folder(store.folder_of(begun), names)
    )
    known = licence if facts.licence == "NOASSERTION" else facts.licence
    whole = wish.manifest(begun.files, replace(facts, licence=known))
    store.describe(whole)
    return whole


def _first_facts(repo: str, names: set[str], contents: Mapping[str, bytes], licence: str) -> Facts:
    if any(name.endswith(".gguf") for name in names):
        return Facts("gguf", ("llama.cpp",), licence=licence)
    if "adapter_config.json" in names:
        return of_adapter(_object(contents, "adapter_config.json", repo))
    if "config.json" in names and any(name.endswith(".safetensors") for name in names):
        return replace(of_config(_object(contents, "config.json", repo), names), licence=licence)
    raise no_model(repo, names)


def _object(contents: Mapping[str, bytes], name: str, repo: str) -> dict[str, Any]:
    try:
        data = json.loads(contents[name])
        if not isinstance(data, dict):
            raise TypeError("not an object")
    except (KeyError, ValueError, TypeError) as error:
        raise invalid(f"{name} of {repo} cannot be read: {error}.", param="hub", value=name) from error
    return data


def _chosen(repo: str, listing: list[Mapping[str, Any]], wish: Wish) -> list[Mapping[str, Any]]:
    chosen = []
    for entry in listing:
        name = str(entry.get("path", ""))
        if entry.get("type") != "file" or name.startswith(".") or wish.excludes(name):
            continue
        # Before anything else: a pickle is refused by name, not passed over.
        try:
            check_name(name, param="hub")
        except HyperCubeError:
            if PurePosixPath(name).suffix in _WANTED or wish.includes(name) or _is_pickle(name):
                raise
            continue
        if PurePosixPath(name).suffix in _WANTED and wish.includes(name):
            chosen.append(entry)
    ggufs = [str(entry["path"]) for entry in chosen if str(entry["path"]).endswith(".gguf")]
    if len(ggufs) > 1:
        raise invalid(
            f"{repo} holds several GGUF files, and a model has one: {', '.join(ggufs[:12])}.",
            param="hub",
            value=repo,
            fix=f"Choose one: --include {ggufs[0]}",
        )
    if ggufs:  # what lies beside it is for other engines
        chosen = [entry for entry in chosen if str(entry["path"]) == ggufs[0]]
    return chosen


def _is_pickle(name: str) -> bool:
    from hypercube.model_registry.refusal import PICKLE_SUFFIXES

    return PurePosixPath(name).suffix.lower() in PICKLE_SUFFIXES


def _listing(
    hub_url: str, repo: str, revision: str, silence_s: float
) -> tuple[str, str, list[Mapping[str, Any]]]:
    """The commit, the licence, and every entry of the repository's tree at that commit."""
    base = f"{hub_url.rstrip('/')}/api/models/{repo}"
    about = _get(f"{base}/revision/{quote(revision, safe='')}", repo, revision, silence_s).json()
    commit = str(about["sha"]) if isinstance(about, dict) and about.get("sha") else revision
    licence = (about.get("cardData") or {}).get("license") if isinstance(about, dict) else None
    entries: list[Mapping[str, Any]] = []
    url: str | None = f"{base}/tree/{quote(commit, safe='')}?recursive=true"
    while url is not None:
        answer = _get(url, repo, revision, silence_s)
        entries += answer.json()
        url = answer.links.get("next", {}).get("url")
    return commit, licence if isinstance(licence, str) else "NOASSERTION", entries


def _small(hub_url: str, repo: str, commit: str, entry: Mapping[str, Any], silence_s: float) -> bytes:
    name, size = str(entry["path"]), int(entry.get("size", 0))
    if size > _SMALL:
        raise invalid(
            f"{name} of {repo} has {size} bytes and no SHA-256 in the hub's listing.",
            param="hub",
            value=name,
            fix=f"Leave it out: --exclude {name}",
        )
    url = f"{hub_url.rstrip('/')}/{repo}/resolve/{quote(commit, safe='')}/{quote(name)}"
    data: bytes = _get(url, repo, commit, silence_s).content
    # Git's own name for these bytes (`git hash-object`), which the listing gives.
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    if entry.get("oid") not in (None, oid):
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"{name} of {repo} arrived as the Git object {oid}, the hub lists {entry['oid']}.",
            fix="Try again.",
        )
    return data


def _get(url: str, repo: str, revision: str, silence_s: float) -> Any:
    httpx = importlib.import_module("httpx")
    try:
        answer = httpx.get(url, timeout=silence_s, follow_redirects=True)
    except httpx.HTTPError as error:
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"The model hub at {httpx.URL(url).host} does not answer: {str(error) or type(error).__name__}.",
            fix="Check the network; a folder or a GGUF file can be added without it.",
        ) from error
    if answer.status_code in {401, 403, 404}:
        raise HyperCubeError(
            ErrorKind.NOT_FOUND,
            f"The model hub has no {shown(repo)!r} at {shown(revision)!r} for everybody "
            f"(HTTP {answer.status_code}).",
            param="hub",
            value=f"{repo}@{revision}",
        )
    if answer.status_code != 200:
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE, f"The model hub answered HTTP {answer.status_code} for {repo}."
        )
    return answer
