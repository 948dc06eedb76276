"""The program of vLLM behind the worker's contract; runs in the child.

`AsyncLLM` batches, schedules and streams; here requests become its prompts and parameters, and its outputs events.
A prompt is rendered and counted here, so that one that is too long is refused with its numbers.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from hypercube.core.engine import Capability, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import Embedded, Scored, engine_failed, incapable
from hypercube.inference.transformers.prompt import Prompts
from hypercube.inference.vllm.settings import engine_arguments, prepare_environment
from hypercube.inference.worker.program import Say

WHO: Final = "The vLLM engine"
_LOOK_S: Final = 0.5
"""Between two looks at whether vLLM's own engine process lives."""


class VllmProgram:
    """Serves one causal model from its folder."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._prompts: Prompts
        self._context_length = 0
        self._adapters: dict[str, Any] = {}
        self._adapter_numbers = count(1)
        self._numbers = count(1)
        self._steps = 0

    @property
    def steps(self) -> int:
        """Outputs of the engine so far."""
        return self._steps

    async def load(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        """Open the folder settings["path"]."""
        prepare_environment(settings)
        say("starting vLLM")
        try:
            description = await self._start(settings)
        except HyperCubeError:
            raise
        except (ValueError, OSError, ImportError, KeyError, NotImplementedError) as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"vLLM cannot run this model: {type(error).__name__}: {error}".rstrip(". ") + ".",
                fix="Serve it with another engine (transformers, or llama.cpp from a GGUF file).",
            ) from error
        except Exception as error:
            raise engine_failed(f"vLLM did not start: {type(error).__name__}: {error}") from error
        for name, folder in settings["adapters"].items():
            await self.load_adapter(name, folder)
        return {"context_length": self._context_length, "description": description}

    async def _start(self, settings: Mapping[str, Any]) -> str:
        # Ten seconds of imports, which heartbeats must not wait for.
        modules = await asyncio.to_thread(_modules)
        on_cpu = settings["device"] == "cpu" or modules["platform"].is_cpu()
        arguments = engine_arguments(settings, Path(settings["path"]), on_cpu=on_cpu)
        config = await asyncio.to_thread(
            lambda: modules["AsyncEngineArgs"](**arguments).create_engine_config()
        )
        # Its output handler lives on this loop, so it is made here; while it starts, the parent waits for `loaded`.
        self._engine = modules["AsyncLLM"].from_vllm_config(config)
        self._context_length = int(config.model_config.max_model_len)
        self._prompts = Prompts(self._engine.get_tokenizer())
        ranks = settings["tensor_parallel"] * settings["pipeline_parallel"]
        dtype = str(config.model_config.dtype).removeprefix("torch.")
        where = f"{ranks} CPU processes" if on_cpu and ranks > 1 else "the CPU" if on_cpu else f"{ranks} GPU"
        return f"vLLM on {where}, {dtype}, {settings['slots']} slots of {self._context_length} tokens"

    # -- adapters

    async def load_adapter(self, name: str, folder: str) -> None:
        """Take a LoRA adapter in under a name; a name that is taken is replaced for requests to come."""
        from vllm.lora.request import LoRARequest

        adapter = LoRARequest(name, next(self._adapter_numbers), folder)
        try:
            await self._engine.add_lora(adapter)
        except (ValueError, OSError, RuntimeError) as error:
            raise invalid(
                f"The adapter {name!r} cannot be used with this model: {error}".rstrip(". ") + ".",
                param="adapter",
                value=name,
                fix="Give a LoRA folder (adapter_config.json, adapter_model.safetensors) made for this model.",
            ) from error
        previous = self._adapters.get(name)
        self._adapters[name] = adapter
        if previous is not None:
            await self._engine.remove_lora(previous.lora_int_id)

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter."""
        adapter = self._adapter(name)
        del self._adapters[name]
        await self._engine.remove_lora(adapter.lora_int_id)

    def _adapter(self, name: str) -> Any:
        if name not in self._adapters:
            known = ", ".join(self._adapters) or "none"
            raise invalid(
                f"There is no adapter {name!r}.", param="adapter", value=name, fix=f"Loaded: {known}."
            )
        return self._adapters[name]

    # -- work

    async def generate(
        self, request: GenerationRequest, priority: int = 0
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; closing the generator aborts the request."""
        adapter = self._adapter(request.adapter) if request.adapter else None
        prompt = await asyncio.to_thread(self._prompts.tokens, request.messages)
        room = self._context_length - len(prompt)
        if room < 1:
            raise context_exceeded(len(prompt), self._context_length)
        limit = room if request.max_tokens is None else min(room, request.max_tokens)
        outputs = self._engine.generate(
            {"prompt_token_ids": prompt},
            self._parameters(request, limit),
            f"r{next(self._numbers)}",
            lora_request=adapter,
            priority=priority,
        )
        made = 0
        try:
            async for output in outputs:
                self._steps += 1
                piece = output.outputs[0]
                made += len(piece.token_ids)
                if piece.finish_reason is None:
                    if piece.text:
                        yield GenerationEvent(piece.text)
                    continue
                if piece.finish_reason not in {"stop", "length"}:
                    raise engine_failed(f"vLLM ended the answer with {piece.finish_reason!r}")
                yield GenerationEvent(piece.text, FinishReason(piece.finish_reason), Usage(len(prompt), made))
                return
        except ValueError as error:
            # vLLM checks what we cannot: a schema that its grammar compiler does not take, say.
            raise invalid(
                f"vLLM refused the request: {error}".rstrip(". ") + ".",
                param="response_format" if request.json_schema is not None else None,
                fix="Change what the message names, then send again.",
            ) from error
        finally:
            await outputs.aclose()
        raise engine_failed("vLLM ended an answer without saying why")

    def _parameters(self, request: GenerationRequest, limit: int) -> Any:
        from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

        sampling = request.sampling
        given = {
            name: value
            for name in (
                "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "seed",
            )
            if (value := getattr(sampling, name)) is not None
        }  # fmt: skip
        if "seed" in given:
            given["seed"] %= 2**63
        if request.json_schema is not None:
            given["structured_outputs"] = StructuredOutputsParams(json=json.loads(request.json_schema))
        return SamplingParams(
            max_tokens=limit,
            stop=[*sampling.stop, *self._prompts.stops] or None,
            output_kind=RequestOutputKind.DELTA,
            **given,
        )

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.EMBED)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.SCORE)

    async def broken(self) -> HyperCubeError:
        """Wait until vLLM's engine process has ended or given up."""
        while not self._engine.errored:  # noqa: ASYNC110 - vLLM has no event for it
            await asyncio.sleep(_LOOK_S)
        return engine_failed(f"vLLM's engine ended: {self._engine.dead_error}")

    async def close(self) -> None:
        """End vLLM's own processes."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.shutdown)


def _modules() -> dict[str, Any]:
    """What is used of vLLM, imported off the event loop."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    return {"AsyncEngineArgs": AsyncEngineArgs, "AsyncLLM": AsyncLLM, "platform": current_platform}
