"""Tensor parallelism: the processes that each hold a part of every layer.

The engine's child is rank 0. It starts the others, which load their part, follow it step by step through the
library's collectives (gloo between CPUs, NCCL between GPUs) and never speak to anybody else. A rank ends when rank 0
does, and rank 0 is broken when a rank ends. Run as a script, this file is such a rank.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

if __name__ == "__main__" and __package__ is None:
    sys.path.append(str(Path(__file__).parents[3]))

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import engine_failed

_JOIN_S: Final = 300.0
"""For all ranks to have imported PyTorch and met."""


class Ranks:
    """The other ranks of a tensor-parallel group, as rank 0 sees them; all of its calls are its loading thread's."""

    def __init__(self, size: int, settings: Mapping[str, Any]) -> None:
        self._size = size
        self._settings = dict(settings)
        self._folder = Path(tempfile.mkdtemp(prefix="hypercube-ranks-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._closing = False

    def start(self, ended: Callable[[HyperCubeError], None]) -> None:
        """Start the others and become rank 0; returns when all have met.

        Args:
            ended: hears, on a thread of its own, of a rank that ended.
        """
        meeting = str(self._folder / "meeting")
        for rank in range(1, self._size):
            process = subprocess.Popen([sys.executable, "-P", __file__], stdin=subprocess.PIPE)
            self._processes.append(process)
            settings = {**self._settings, "rank": rank, "meeting": meeting}
            assert process.stdin is not None
            process.stdin.write(json.dumps(settings).encode() + b"\n")
            process.stdin.flush()
            watcher = threading.Thread(target=self._watch, args=(rank, process, ended), daemon=True)
            watcher.start()
        join(0, self._size, meeting, self._settings["device"])

    def _watch(
        self, rank: int, process: "subprocess.Popen[bytes]", ended: Callable[[HyperCubeError], None]
    ) -> None:
        code = process.wait()
        if not self._closing:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
            ended(engine_failed(f"rank {rank} of {self._size} {how}"))

    def close(self) -> None:
        """End the others."""
        self._closing = True
        for process in self._processes:
            process.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def check_heads(config: Mapping[str, Any], size: int) -> None:
    """Refuse a model whose heads do not divide among `size` ranks, before anything is loaded.

    Raises:
        HyperCubeError: FAILED_PRECONDITION with the figures, and the sizes that would do.
    """
    text = config.get("text_config", config)
    heads = int(text.get("num_attention_heads", 1))
    shared = int(text.get("num_key_value_heads") or heads)
    if heads % size or shared % size:
        fits = [str(n) for n in range(1, shared + 1) if shared % n == 0 and heads % n == 0]
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model has {heads} attention heads and {shared} key-value heads, which {size} devices cannot share "
            "evenly.",
            param="model.tensor_parallel",
            value=size,
            fix=f"Set tensor_parallel to {' or '.join(fits)}.",
        )


def join(rank: int, size: int, meeting: str, device: str) -> None:
    """Become one rank of the group that meets at the file `meeting`; returns when all are there."""
    import torch
    import torch.distributed as dist

    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(size))
    # The ranks are on this machine: nobody outside is to reach them.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    cuda = device != "cpu" and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(rank)
    dist.init_process_group(
        backend="cpu:gloo,cuda:nccl" if cuda else "gloo",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=size,
        timeout=timedelta(seconds=_JOIN_S),
    )


def _follow(settings: Mapping[str, Any]) -> None:
    """Load this rank's part and follow rank 0 for as long as it goes on."""
    from hypercube.inference.transformers.checkpoint import open_causal

    join(settings["rank"], settings["tensor_parallel"], settings["meeting"], settings["device"])
    opened = open_causal(Path(settings["path"]), settings, _ignore)
    from hypercube.inference.transformers.batching import Batching

    batching = Batching(
        opened.model,
        tokenizer=opened.tokenizer,
        slots=settings["slots"],
        context_length=min(settings["context_length"], opened.longest),
        eos=opened.eos,
        loop=asyncio.new_event_loop(),
        receive=_ignore,
        crash=_ignore,
    )
    batching.warmup()
    batching.start()
    # Its argument is only for a log line; without a timeout it waits for the end of the thread.
    batching.join(0.0)


def _ignore(_: object) -> None:
    """Only rank 0 speaks."""


def _end_with_input() -> None:
    with contextlib.suppress(OSError):
        sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Be one rank; the settings are the first line of standard input, whose end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    settings = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        _follow(settings)
    except Exception as error:  # noqa: BLE001 - rank 0 quotes the last line
        sys.stderr.write(f"rank {settings['rank']}: {type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(1)


if __name__ == "__main__":
    main()
