"""One page of metrics for all front-ends: each writes its own to a folder, and whoever is asked shows all.

Every sample carries the label `worker`: a front-end that was replaced begins at 0 again, as a process does.
"""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

EVERY_S: Final = 2.0
"""Between two writings; a neighbour's numbers are so old at most."""
_SAMPLE: Final = re.compile(rb"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?")
_SUFFIX: Final = ".prom"


class MetricsPages:
    """The pages of all front-ends, seen from front-end `worker`."""

    def __init__(self, folder: Path, worker: int, text: Callable[[], bytes]) -> None:
        """`text` is this front-end's own page."""
        self._folder = folder
        self._worker = worker
        self._text = text

    def write(self) -> None:
        """Show the others where this one stands."""
        path = self._folder / f"{self._worker}{_SUFFIX}"
        unfinished = path.with_suffix(f".{os.getpid()}")
        with contextlib.suppress(FileNotFoundError):  # the folder goes when the server ends
            unfinished.write_bytes(self._text())
            unfinished.replace(path)

    def page(self) -> bytes:
        """All pages as one, this front-end's as of now."""
        pages = {self._worker: self._text()}
        for path in self._folder.glob(f"*{_SUFFIX}"):
            worker = int(path.stem)
            if worker not in pages:
                with contextlib.suppress(FileNotFoundError):
                    pages[worker] = path.read_bytes()
        return merged(dict(sorted(pages.items())))


def merged(pages: dict[int, bytes]) -> bytes:
    """Pages in Prometheus' text form as one, each sample with the label `worker`; families stay together."""
    families: dict[bytes, list[bytes]] = {}
    samples: dict[bytes, list[bytes]] = {}
    for worker, page in pages.items():
        label = b'worker="%d"' % worker
        family = b""
        for line in page.splitlines():
            if line.startswith(b"# "):
                family = line.split(b" ", 3)[2]
                head = families.setdefault(family, [])
                # HELP and TYPE say the same in every page.
                if line not in head:
                    head.append(line)
            elif found := _SAMPLE.match(line):
                rest = line[found.end() :]
                labels = b"{" + label + (b"," + rest if found[2] else b"}" + rest)
                families.setdefault(family, [])
                samples.setdefault(family, []).append(found[1] + labels)
    lines = [line for family, head in families.items() for line in (*head, *samples.get(family, ()))]
    return b"\n".join((*lines, b""))
