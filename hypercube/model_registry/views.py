"""A model's files under their own names: a folder of links into the store, made in one step or not at all."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


def view_name(model: str, version: str, files: Mapping[str, str]) -> str:
    """The folder's name: other files, or other bytes in them (name -> sha256), give another one."""
    digest = hashlib.sha256()
    for name, sha256 in sorted(files.items()):
        digest.update(f"{name}\n{sha256}\n".encode())
    return f"{model}@{version}-{digest.hexdigest()[:12]}"


def link_view(folder: Path, targets: Mapping[str, Path]) -> Path:
    """Have `folder` hold exactly `targets` (name -> file), and return it.

    Several processes may call this at once; a folder that is right already is not touched.

    Raises:
        OSError: the file system refuses.
    """
    if _is_right(folder, targets):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, target in targets.items():
            link = draft / name
            link.parent.mkdir(parents=True, exist_ok=True)
            _link(target, link)
        while True:
            try:
                draft.rename(folder)
            except OSError:
                if _is_right(folder, targets):
                    return folder
                if not folder.exists():
                    raise
                # Links to files that were fetched anew since, or to one that went: out of the way with them.
                stale = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
                with contextlib.suppress(FileNotFoundError):
                    folder.rename(stale / "old")
                shutil.rmtree(stale, ignore_errors=True)
            else:
                draft = folder
                return folder
    finally:
        if draft != folder:
            shutil.rmtree(draft, ignore_errors=True)


def _link(target: Path, link: Path) -> None:
    try:
        os.link(target, link)
    except OSError:
        # A file system without hard links.
        link.symlink_to(target)


def _is_right(folder: Path, targets: Mapping[str, Path]) -> bool:
    if not folder.is_dir():
        return False
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    try:
        return names == set(targets) and all((folder / n).samefile(path) for n, path in targets.items())
    except FileNotFoundError:
        return False
