"""The program of vLLM behind the worker's contract; runs in the child.

`AsyncLLM` batches, schedules and streams; here requests become its prompts and parameters, and its outputs events.
A prompt is rendered and counted here, so that one that is too long is refused with its numbers.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from itertools import count
from pathlib import Path
from typing import Any, Final

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Tokenized,
    TokenizeRequest,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.served_models import Capability
from hypercube.inference.adapter_files import shapes_in
from hypercube.inference.chat_stream import trimmed
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import Embedded, Scored, engine_failed, incapable
from hypercube.inference.generated_text import RatedTokens
from hypercube.inference.liveness import TICK_S
from hypercube.inference.precision import choose_precision, this_cpu
from hypercube.inference.tool_calls import ToolCallReader, forced_schema, joined
from hypercube.inference.transformers.prompt import Prompts
from hypercube.inference.vllm.adapters import Adapters
from hypercube.inference.vllm.processes import Processes
from hypercube.inference.vllm.settings import engine_arguments, prepare_environment
from hypercube.inference.worker.program import Say

WHO: Final = "The vLLM engine"
_FIRST: Final = GenerationRequest(
    (ChatMessage("user", "1"),), max_tokens=2, sampling=Sampling(temperature=0.0)
)


class VllmProgram:
    """Serves one causal model from its folder."""

    def __init__(self) -> None:
        self._engine: Any = None
        self._prompts: Prompts
        self._context_length = 0
        self._on_cpu = False
        self._defaults: dict[str, Any] = {}
        self._adapters: Adapters
        self._processes: Processes
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
        say("making a first token")
        # The first one has code compiled, for seconds; nobody should wait for that.
        async for _ in self.generate(_FIRST):
            pass
        return {
            "context_length": self._context_length,
            "description": description,
            "device": "cpu" if self._on_cpu else "cuda",
            "pids": [os.getpid(), *self._processes.pids],
        }

    async def _start(self, settings: Mapping[str, Any]) -> str:
        # Ten seconds of imports, which heartbeats must not wait for.
        modules = await asyncio.to_thread(_modules)
        # The package is built for one kind of device; there is nothing to choose.
        self._on_cpu = on_cpu = modules["platform"].is_cpu()
        _check_device(settings["device"], on_cpu=on_cpu)
        if on_cpu:
            chosen = choose_precision(settings["precision"], this_cpu(), "vllm").name
            settings = {**settings, "precision": chosen}
        arguments = engine_arguments(settings, Path(settings["path"]), on_cpu=on_cpu)
        config = await asyncio.to_thread(
            lambda: modules["AsyncEngineArgs"](**arguments).create_engine_config()
        )
        # Its output handler lives on this loop, so it is made here; while it starts, the parent waits for `loaded`.
        self._engine = modules["AsyncLLM"].from_vllm_config(config)
        self._context_length = int(config.model_config.max_model_len)
        self._processes = Processes()
        self._adapters = Adapters(self._engine, settings["max_adapters"], shapes_in(Path(settings["path"])))
        self._prompts = Prompts(self._engine.get_tokenizer())
        # What the model's generation_config.json says of sampling; how long an answer is, the request says.
        self._defaults = dict(config.model_config.get_diff_sampling_param())
        self._defaults.pop("max_tokens", None)
        ranks = settings["tensor_parallel"] * settings["pipeline_parallel"]
        dtype = str(config.model_config.dtype).removeprefix("torch.")
        where = f"{ranks} CPU processes" if on_cpu and ranks > 1 else "the CPU" if on_cpu else f"{ranks} GPU"
        return f"vLLM on {where}, {dtype}, {settings['slots']} slots of {self._context_length} tokens"

    # -- adapters

    async def load_adapter(self, name: str, folder: str) -> None:
        """Take a LoRA adapter in under a name; a name that is taken means the new one for requests to come."""
        await self._adapters.load(name, Path(folder))

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter."""
        await self._adapters.unload(name)

    # -- work

    async def generate(
        self, request: GenerationRequest, priority: int = 0
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; closing the generator aborts the request."""
        async with self._adapters.used(request.adapter) as adapter:
            prompt = await asyncio.to_thread(self._prompts.read, request)
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
            async with aclosing(self._events(outputs, request, len(prompt))) as events:
                async for event in events:
                    yield trimmed(event, request.logprobs)

    async def _events(
        self, outputs: Any, request: GenerationRequest, prompt_tokens: int
    ) -> AsyncGenerator[GenerationEvent, None]:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        made = 0
        calls, rated = ToolCallReader(request), RatedTokens()
        try:
            async for output in outputs:
                self._steps += 1
                piece = output.outputs[0]
                made += len(piece.token_ids)
                self._rate(piece, rated)
                said = calls.feed(piece.text)
                if piece.finish_reason is None and not calls.full:
                    if said.text or said.calls:
                        yield GenerationEvent(said.text, logprobs=rated.shown(), tool_calls=said.calls)
                    continue
                if piece.finish_reason not in {None, "stop", "length"}:
                    if request.json_schema is not None and not made:
                        raise _refused(request, "its grammar compiler does not take the schema")
                    raise engine_failed(f"vLLM ended the answer with {piece.finish_reason!r}")
                said = joined(said, calls.flush())
                ended = FinishReason.TOOL_CALLS if calls.called else FinishReason.STOP
                # What ends at a stop sequence has tokens that are not shown.
                hidden = isinstance(piece.stop_reason, str)
                yield GenerationEvent(
                    said.text,
                    FinishReason.LENGTH if piece.finish_reason == "length" else ended,
                    Usage(prompt_tokens, made),
                    rated.cut(said.text) if hidden else rated.shown(),
                    said.calls,
                )
                return
        except EngineDeadError as error:
            raise engine_failed(self._processes.trouble() or "vLLM's engine ended") from error
        except (VLLMClientError, ValueError) as error:
            # vLLM checks what we cannot: a schema that its grammar compiler does not take, say.
            raise _refused(request, str(error)) from error
        except EngineGenerateError as error:
            if isinstance(error.__cause__, ValueError):
                raise _refused(request, str(error.__cause__)) from error
            raise engine_failed(f"vLLM gave the request up: {error.__cause__!r}") from error
        finally:
            await outputs.aclose()
        raise engine_failed("vLLM ended an answer without saying why")

    def _rate(self, piece: Any, rated: RatedTokens) -> None:
        """Note the log-probabilities of the tokens of an output, if they were asked for."""
        for at, (token, likely) in enumerate(zip(piece.token_ids, piece.logprobs or (), strict=False)):
            last = at + 1 == len(piece.token_ids)
            if last and piece.finish_reason == "stop" and not isinstance(piece.stop_reason, str):
                continue  # the token that ends an answer shows nothing
            ordered = sorted(likely.items(), key=lambda entry: -entry[1].logprob)
            top = [(number, float(each.logprob)) for number, each in ordered]
            rated.add(self._prompts.texts.rated(token, float(likely[token].logprob), top))

    def _parameters(self, request: GenerationRequest, limit: int) -> Any:
        from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

        sampling = request.sampling
        given = self._defaults | {
            name: value
            for name in (
                "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "seed",
            )
            if (value := getattr(sampling, name)) is not None
        }  # fmt: skip
        if "seed" in given:
            given["seed"] %= 2**63
        schema = request.json_schema if request.json_schema is not None else forced_schema(request)
        if schema is not None:
            given["structured_outputs"] = StructuredOutputsParams(json=json.loads(schema))
        if sampling.logit_bias:
            given["logit_bias"] = dict(sampling.logit_bias)
        if request.logprobs is not None:
            given["logprobs"] = request.logprobs
        return SamplingParams(
            max_tokens=limit,
            stop=[*sampling.stop, *self._prompts.stops_of(request)] or None,
            output_kind=RequestOutputKind.DELTA,
            **given,
        )

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """Use the model's tokenizer."""
        return await asyncio.to_thread(self._prompts.tokenize, request, self._context_length)

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.EMBED)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.SCORE)

    async def broken(self) -> HyperCubeError:
        """Wait until vLLM has given up, or one of its processes has ended or is stopped."""
        while (trouble := self._processes.trouble()) is None and not self._engine.errored:
            if self._engine.get_num_unfinished_requests() and self._processes.compiling():
                # No token comes meanwhile, and the compiler's CPU time is not that of the processes watched.
                self._steps += 1
            await asyncio.sleep(TICK_S)
        return engine_failed(trouble or f"vLLM's engine ended: {self._engine.dead_error}")

    async def close(self) -> None:
        """End vLLM's own processes."""
        if self._engine is not None:
            await asyncio.to_thread(self._engine.shutdown)


def _check_device(device: str, *, on_cpu: bool) -> None:
    if (device != "auto") and (device == "cpu") != on_cpu:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The vLLM that is installed computes on {'the CPU' if on_cpu else 'GPUs'}, not on {device!r}.",
            param="model.device",
            value=device,
            fix="Set model.device to auto, or install the build of vLLM for that device.",
        )


def _refused(request: GenerationRequest, why: str) -> HyperCubeError:
    return invalid(
        f"vLLM refused the request: {why}".rstrip(". ") + ".",
        param="response_format" if request.json_schema is not None else None,
        fix="Change what the message names, then send again.",
    )


def _modules() -> dict[str, Any]:
    """What is used of vLLM, imported off the event loop."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    return {"AsyncEngineArgs": AsyncEngineArgs, "AsyncLLM": AsyncLLM, "platform": current_platform}
