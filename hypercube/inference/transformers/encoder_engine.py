"""The encoder engine as the hypercluster sees it; the work is done by `encoder` in a child process."""

from typing import ClassVar, Final

from hypercube.core.served_models import Capability
from hypercube.inference.cores import available_cores
from hypercube.inference.engine import EngineOptions
from hypercube.inference.precision import check_precision, choose_precision, this_cpu
from hypercube.inference.transformers.engine import ENGINE, ENVIRONMENT, check_device, check_packages
from hypercube.inference.worker.process import WorkerEngine

PROGRAM: Final = "hypercube.inference.transformers.encoder:EncoderProgram"
EMBEDS: Final = frozenset({Capability.EMBED, Capability.SCORE})
CROSS: Final = frozenset({Capability.SCORE})
"""A cross-encoder rates pairs and has no vectors."""


class EncoderEngine(WorkerEngine):
    """An encoder in the safetensors format: embeddings, or the scores of a cross-encoder.

    Its `slots` are the batches that its batchers may have on the way, one of embeddings and one of scores; how many
    texts share a batch is the batcher's to say.
    """

    program: ClassVar[str] = PROGRAM
    engine: ClassVar[str] = ENGINE

    def __init__(self, options: EngineOptions, capabilities: frozenset[Capability] = EMBEDS) -> None:
        """Check the options; `load` starts the process. `context_length` bounds the tokens of one text."""
        threads = options.threads or available_cores()
        check_device(options.device, self.engine)
        if options.device == "cpu":
            choose_precision(options.precision, this_cpu(), self.engine)
        else:
            # The child sees the device, and refuses there what it cannot do.
            check_precision(options.precision)
        super().__init__(
            self.program,
            {
                "context_length": options.context_length,
                "threads": threads,
                "device": options.device,
                "precision": options.precision,
            },
            capabilities=capabilities,
            description=f"{self.engine}, an encoder",
            context_length=options.context_length,
            slots=len(capabilities),
            threads=threads,
            environment=ENVIRONMENT,
        )

    def check(self) -> None:
        """Refuse where a package is missing."""
        super().check()
        self._check_packages()

    @staticmethod
    def _check_packages() -> None:
        check_packages()
