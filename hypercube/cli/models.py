"""`hypercube models`: the catalogue, and the files in the store."""

from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from hypercube.cli.output import ERR, OUT
from hypercube.model_registry.catalogue import CATALOGUE, lookup
from hypercube.model_registry.convert import convert, converted
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Progress
from hypercube.settings import load_settings


def _store(config: Path | None) -> ModelStore:
    return ModelStore(load_settings(file=config).model.dir)


def listed(config: Path | None) -> list[dict[str, Any]]:
    """The catalogue, with what of it is stored, and what was converted here."""
    store = _store(config)
    begun = {stored.name: stored for stored in store.list() if not stored.made_here}
    rows = []
    for name, manifest in CATALOGUE.items():
        stored = begun.get(name)
        if not manifest.files or store.has(manifest):
            here = "yes"
        elif stored is not None and stored.bytes_present:
            here = f"{stored.bytes_present / manifest.size:.0%}"
        else:
            here = "no"
        rows.append(
            {
                "name": name,
                "version": manifest.version,
                "engine": manifest.engine,
                "size": f"{manifest.size / 1e9:.2f} GB" if manifest.files else "-",
                "licence": manifest.licence,
                "here": here,
            }
        )
    for stored in store.list():
        if stored.made_here:
            source = CATALOGUE.get(stored.name)
            rows.append(
                {
                    "name": stored.name,
                    "version": stored.version,
                    "engine": "transformers",
                    "size": f"{stored.bytes_total / 1e9:.2f} GB",
                    "licence": source.licence if source is not None else "-",
                    "here": "yes" if stored.complete else "damaged",
                }
            )
    return rows


def pull(name: str, config: Path | None) -> None:
    """Download a model with a bar; Ctrl-C keeps what is there."""
    manifest, store = lookup(name), _store(config)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*columns, console=ERR) as bar:
        task = bar.add_task(name, total=manifest.size)

        def on_progress(progress: Progress) -> None:
            bar.update(task, completed=progress.bytes_done, description=f"{name} from {progress.source}")

        path = store.fetch(manifest, on_progress, lambda line: ERR.print(line, markup=False, soft_wrap=True))
    OUT.print(str(path), markup=False)


def convert_model(name: str, dtype: str, config: Path | None) -> None:
    """Fetch a GGUF model if need be, convert it with a bar, and print the folder of the result."""
    store = _store(config)
    wanted = converted(lookup(name), dtype)
    if store.made(wanted) is None and not store.has(lookup(name)):
        pull(name, config)
    with Bar(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=ERR) as bar:
        task = bar.add_task(f"{name} to {dtype}", total=None)

        def on_progress(progress: Progress) -> None:
            bar.update(task, completed=progress.bytes_done, total=progress.bytes_total)

        made = convert(store, wanted, on_progress)
    OUT.print(str(store.folder_of(made)), markup=False, soft_wrap=True)


def verify(name: str, config: Path | None) -> None:
    """Compare the digest of every file."""
    _store(config).verify(lookup(name))
    OUT.print(f"{name}: every byte is as published.", markup=False)


def remove(name: str, config: Path | None) -> None:
    """Delete a model's files."""
    freed = _store(config).remove(name)
    OUT.print(f"{name}: {freed / 1e9:.2f} GB freed.", markup=False)
