"""The child process that holds a GGUF model: llama.cpp's own server on a UNIX socket, and nothing else.

Run as a script by `hypercube.inference.llama_cpp`, with the settings as one JSON object in its only argument. It
writes one JSON line when the model is loaded or cannot be, and ends when its standard input does: that happens
also when the parent is killed, so no model outlives the server. It imports nothing of this package.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any


def _serve(settings: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context_length"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    # A prompt is read in pieces of this size, and only between two of them is a cancellation seen or another
    # request's token made. On a CPU small pieces cost no speed.
    params.n_batch = params.n_ubatch = settings["batch"]
    # A file name makes the server listen on a UNIX socket instead of a TCP port that every local user reaches.
    params.hostnames = [settings["socket"]]
    params.ui = False
    params.endpoint_slots = True
    params.verbosity = -1
    # What was asked for, or a failure: never a smaller context than promised.
    params.fit_params = False
    params.cache_ram_mib = settings["prompt_cache_mib"]
    params.warmup = True
    return xllamacpp.Server(params)


def _hold(server: Any, folder: Path) -> None:
    """Keep `server` alive until standard input ends, then go without ceremony: nobody listens any more."""
    sys.stdin.buffer.read()
    # The parent removes the folder too, but a killed parent cannot.
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def main() -> None:
    """Load, say so, and wait for the end of standard input."""
    # Ctrl-C and a supervisor's SIGTERM reach the whole group; the parent drains first and then closes our input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = json.loads(sys.argv[1])
    try:
        server = _serve(settings)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells the user
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)  # noqa: T201
        os._exit(1)
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201
    _hold(server, Path(settings["socket"]).parent)


if __name__ == "__main__":
    main()
