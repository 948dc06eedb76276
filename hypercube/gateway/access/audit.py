"""Who changed what: one JSON line for every call that needs an administrator, whatever became of it.

    {"time": "2026-11-27T02:30:00.123+00:00", "who": "ops", "id": "key:7Zk2mQ9xBv4T", "transport": "http",
     "what": "POST /v1/models/gemma:load", "outcome": "ok", "request_id": "…", "peer": "10.0.0.7"}

Never a credential, a query or a body.
"""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError, shown

LOGGER: Final = "hypercube.audit"

_log = logging.getLogger(LOGGER)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Audit:
    """Writes the lines to a file, or, without one, to the log."""

    def __init__(self, path: Path | None = None, *, now: Callable[[], str] = _now) -> None:
        """The file is made, for its owner alone, or added to.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it cannot be written.
        """
        self._now = now
        self._file: int | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A whole line in one write to a file opened for appending: lines of several processes do not mix.
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The audit file {path} cannot be written: {error}.",
                param="access.audit_file",
                value=str(path),
                fix="Name a file that the server's user may write.",
            ) from error

    def __call__(self, call: Call, *, transport: str, what: str, outcome: str, peer: str) -> None:
        """Write down one call."""
        line = {
            "time": self._now(),
            "who": call.principal.name,
            "id": call.principal.id,
            "transport": transport,
            "what": str(shown(what)),
            "outcome": outcome,
            "request_id": call.request_id,
            "peer": peer,
        }
        text = json.dumps(line, ensure_ascii=False)
        if self._file is None:
            _log.warning("audit %s", text)
            return
        try:
            os.write(self._file, text.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            # The call was done already; what must not get lost goes to the log.
            _log.error("the audit file cannot be written (%s): audit %s", error, text)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
