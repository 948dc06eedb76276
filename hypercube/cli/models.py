"""What `hypercube models` does: each function answers with plain data, which `models_command` shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from hypercube.cli.output import ERR
from hypercube.core.errors import invalid
from hypercube.model_registry.adding import Wish, add_folder, add_gguf
from hypercube.model_registry.adding_hub import add_hub
from hypercube.model_registry.convert import convert, converted
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.manifest_document import document
from hypercube.model_registry.manifest_file import read_manifest
from hypercube.model_registry.memory import estimate
from hypercube.model_registry.model_facts import name_from
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.routes import SPLIT
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import OnProgress, Progress
from hypercube.settings import load_settings


def open_registry(config: Path | None) -> ModelRegistry:
    """The registry that the settings mean."""
    return ModelRegistry(ModelStore(load_settings(file=config).model.dir))


def listed(registry: ModelRegistry, only: str | None = None) -> list[dict[str, Any]]:
    """Every version: of the catalogue, in the store, made here; with its aliases and how much of it is here."""
    stored = {(each.name, each.version): each for each in registry.store.list()}
    rows = []
    for name in (only,) if only is not None else registry.names():
        routes = registry.routes(name)
        for manifest in registry.versions(name):
            entry = stored.get((name, manifest.version))
            if registry.store.has(manifest):
                here = "yes"
            elif entry is not None and entry.made_here:
                here = "damaged"
            elif entry is not None and entry.bytes_present:
                here = f"{entry.bytes_present / entry.bytes_total:.0%}"
            else:
                here = "no"
            rows.append(
                {
                    "name": name,
                    "version": manifest.version,
                    "aliases": [a for a, version in routes.aliases.items() if version == manifest.version],
                    "engine": manifest.engine,
                    "format": manifest.format,
                    "size": f"{manifest.size / 1e9:.2f} GB" if manifest.files else "-",
                    "bytes": manifest.size,
                    "licence": manifest.licence,
                    "here": here,
                    "digest": manifest.digest if manifest.files else None,
                }
            )
    return rows


def shown_model(registry: ModelRegistry, reference: str) -> dict[str, Any]:
    """A version's manifest, with what is known beside it."""
    manifest = registry.resolve(reference)
    name, store = manifest.name, registry.store
    routes = registry.routes(name)
    data = document(manifest)
    for file in data.get("files", ()):
        for source in file["sources"]:
            if "url" in source:  # the signature of a presigned address is a secret
                source["url"] = source["url"].split("?", 1)[0]
    return data | {
        "here": store.has(manifest),
        "bytes": manifest.size,
        "memory": {"estimated_bytes": estimate(manifest), "measured_bytes": store.measurements.of(manifest)},
        "aliases": [alias for alias, version in routes.aliases.items() if version == manifest.version],
        "split": dict(routes.split),
        "versions": [version.version for version in registry.versions(name)],
        "in_use": [
            {"pid": lease.pid, "host": lease.host, "purpose": lease.purpose}
            for lease in store.leases()
            if lease.reference == manifest.reference
        ],
    }


def added(
    registry: ModelRegistry,
    path: Path | None,
    folder: Path | None,
    gguf: Path | None,
    hub: str | None,
    name: str | None,
    **wishes: Any,
) -> dict[str, Any]:
    """Take a manifest file, a folder, a GGUF file or a hub repository in; exactly one of them is given."""
    if sum(each is not None for each in (path, folder, gguf, hub)) != 1:
        raise invalid(
            "models add takes one thing: a manifest file, --folder, --gguf or --hub.",
            param="path",
            fix="Write: hypercube models add --folder DIR --name NAME",
        )
    store = registry.store
    if path is not None:
        if given := [key for key, value in ({"name": name} | wishes).items() if value]:
            raise invalid(
                f"--{given[0]} does not go with a manifest file, which says everything itself.",
                param=given[0],
                fix=f"Write it into {path.name}.",
            )
        manifest = read_manifest(path)
        store.announce(manifest)
        return _answer(registry, manifest)
    wishes["version"] = wishes["version"] or "1.0.0"
    if folder is not None:
        wish = Wish(name or name_from(folder.absolute().name), **wishes)
        with progress(wish.name) as on_progress:
            manifest = add_folder(store, folder, wish, on_progress)
    elif gguf is not None:
        wish = Wish(name or name_from(gguf.name.removesuffix(".gguf")), **wishes)
        with progress(wish.name) as on_progress:
            manifest = add_gguf(store, gguf, wish, on_progress)
    else:
        repo, _, revision = str(hub).partition("@")
        wish = Wish(name or name_from(repo.rsplit("/", 1)[-1]), **wishes)
        with progress(wish.name) as on_progress:
            manifest = add_hub(store, repo, revision or "main", wish, on_progress, say)
    return _answer(registry, manifest)


def _answer(registry: ModelRegistry, manifest: ModelManifest) -> dict[str, Any]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "digest": manifest.digest,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "here": registry.store.has(manifest),
    }


def pulled(registry: ModelRegistry, reference: str) -> dict[str, Any]:
    """Download a version with a bar; Ctrl-C keeps what is there."""
    manifest = registry.resolve(reference)
    with progress(manifest.name) as on_progress:
        path = registry.store.fetch(manifest, on_progress, say)
    return _answer(registry, manifest) | {"path": str(path)}


def verified(registry: ModelRegistry, reference: str) -> dict[str, Any]:
    """Compare the digest of every file, and say what it cost."""
    manifest = registry.resolve(reference)
    cost = registry.store.verify(manifest)
    return _answer(registry, manifest) | {
        "seconds": round(cost.seconds, 6),
        "bytes_per_second": round(cost.bytes_per_second),
    }


def converted_model(registry: ModelRegistry, reference: str, dtype: str) -> dict[str, Any]:
    """Fetch a GGUF model if need be, and convert it with a bar."""
    store, source = registry.store, registry.resolve(reference)
    wanted = converted(source, dtype)
    if store.made(wanted) is None and not store.has(source):
        pulled(registry, source.reference)
    with progress(f"{source.name} to {dtype}") as on_progress:
        made = convert(store, wanted, on_progress)
    return _answer(registry, made) | {"folder": str(store.folder_of(made))}


def removed(registry: ModelRegistry, reference: str) -> dict[str, Any]:
    """Delete a model's files, or those of one version."""
    name, _, version = reference.partition("@")
    if version:
        version = registry.routes(name).version_of(version)
    return {
        "name": name,
        "version": version or None,
        "freed_bytes": registry.store.remove(name, version or None),
    }


def collected(registry: ModelRegistry, *, keep: int | None, dry_run: bool) -> dict[str, Any]:
    """What no version, alias, rollback or running process needs goes, or would go."""
    found = registry.store.collect(keep=keep, dry_run=dry_run)
    root = registry.store.root
    return {
        "dry_run": dry_run,
        "bytes": sum(item.bytes for item in found),
        "items": [
            {"path": item.path.relative_to(root).as_posix(), "bytes": item.bytes, "reason": item.reason}
            for item in found
        ],
    }


def weights_of(words: list[str]) -> dict[str, float]:
    """`production=95 canary=5` as weights.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the word that is not a weight.
    """
    weights: dict[str, float] = {}
    for word in words:
        target, _, share = word.rpartition("=")
        try:
            weight = float(share)
        except ValueError:
            weight = -1.0
        if not target or not 0 <= weight < float("inf") or target in weights:
            raise invalid(
                f"{word!r} is not a share of the split.",
                param="weights",
                value=word,
                fix="Write each target once: production=95 canary=5",
            )
        weights[target] = weight
    return weights


def routes_of(registry: ModelRegistry, name: str) -> dict[str, Any]:
    """The aliases and the split of a model."""
    routes = registry.routes(name)
    total = sum(routes.split.values())
    return {
        "name": name,
        "aliases": dict(routes.aliases),
        "split": {target: weight / total for target, weight in routes.split.items()},
        "bounds": None if routes.bounds is None else routes.bounds.plain(),
    }


def subject_of(alias: str, *, split: bool) -> str:
    """What a rollback is about."""
    return SPLIT if split else alias


def say(line: str) -> None:
    """A notable event, for a person."""
    ERR.print(line, markup=False, soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[OnProgress]:
    """A bar on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*columns, console=ERR, transient=not ERR.is_terminal, disable=not ERR.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def on_progress(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.bytes_done,
                total=progress.bytes_total,
                description=f"{title} from {progress.source}",
            )

        yield on_progress
