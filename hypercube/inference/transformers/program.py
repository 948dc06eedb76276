"""The program of causal models: continuous batching behind the worker's contract; runs in the child."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypercube.core.engine import (
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Tokenized,
    TokenizeRequest,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.served_models import Capability
from hypercube.inference.adapter_files import shapes_in
from hypercube.inference.context import context_exceeded
from hypercube.inference.engine import Embedded, Scored, engine_failed, incapable
from hypercube.inference.generated_text import Detokenizer, RatedTokens, StopFinder
from hypercube.inference.tool_calls import ToolCallReader, forced_schema, joined
from hypercube.inference.transformers.checkpoint import open_causal, read_config
from hypercube.inference.transformers.gathering import Gathering
from hypercube.inference.transformers.memory import out_of_memory
from hypercube.inference.transformers.passing_thread import in_passing_thread
from hypercube.inference.transformers.prompt import Prompts
from hypercube.inference.transformers.ranks import Ranks, check_heads
from hypercube.inference.worker.program import Say

if TYPE_CHECKING:
    from hypercube.inference.transformers.batching import Batching
    from hypercube.inference.transformers.lora import Adapter, Adapters

T = TypeVar("T")

WHO: Final = "The transformers engine"
_UNSOUND_LIMIT: Final = 3
"""Answers in a row whose logits are no numbers, without one sound token between them: the model is broken."""


class CausalProgram:
    """Serves one causal model from its folder."""

    def __init__(self) -> None:
        self._batching: Batching | None = None
        self._ranks: Ranks | None = None
        self._adapters: Adapters | None = None
        # One change at a time: what is counted before a load must still be true after it.
        self._changing = asyncio.Lock()
        self._prompts: Prompts
        self._tokenizer: Any = None
        self._model: Any = None
        self._eos: list[int] = []
        self._defaults: dict[str, Any] = {}
        self._context_length = 0
        self._outputs: dict[str, asyncio.Queue[Any]] = {}
        self._running: set[str] = set()
        self._gathering = Gathering(lambda: bool(self._running))
        self._numbers = count(1)
        self._failure: HyperCubeError | None = None
        self._failed = asyncio.Event()
        # One thread: a tokenizer refuses two callers at once.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="tokenize")

    @property
    def steps(self) -> int:
        """Forward passes so far."""
        if self._batching is None:
            return 0
        if self._failure is None and not self._batching.is_running():
            raise engine_failed("its generation thread ended")
        steps: int = self._batching.current_batch
        return steps

    async def load(self, settings: Mapping[str, Any], say: Say) -> Mapping[str, Any]:
        """Open the folder settings["path"] in settings["precision"] on settings["device"]."""
        loop = asyncio.get_running_loop()
        opening = asyncio.ensure_future(in_passing_thread(self._open, settings, say, loop))
        # A rank that ends leaves the others waiting for it: then the thread is given up, and the process ends.
        failing = asyncio.ensure_future(self.broken())
        await asyncio.wait((opening, failing), return_when=asyncio.FIRST_COMPLETED)
        if failing.done():
            raise failing.result()
        failing.cancel()
        try:
            return opening.result()
        except HyperCubeError:
            raise
        except (ValueError, OSError, ImportError, KeyError) as error:
            # What the files or the installed version lack stays so: a restart would only fail again.
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The transformers library cannot run this model: {_said(error)}.",
                fix="Serve it with another engine (vllm, or llama.cpp from a GGUF file), or fetch its files again.",
            ) from error
        except Exception as error:
            raise self._as_failure(error, "it could not load the model") from error

    def _open(
        self, settings: Mapping[str, Any], say: Say, loop: asyncio.AbstractEventLoop
    ) -> Mapping[str, Any]:
        parts = settings["tensor_parallel"]
        if parts > 1:
            check_heads(read_config(Path(settings["path"])), parts)
            say(f"starting {parts - 1} more processes")
            self._ranks = Ranks(parts, settings)
            self._ranks.start(lambda failure: _from_thread(loop, self._fail, failure))
        opened = open_causal(Path(settings["path"]), settings, say)
        # Seconds of imports, after the folder and the settings were found right.
        from hypercube.inference.transformers.batching import Batching

        self._tokenizer, self._model = opened.tokenizer, opened.model
        self._eos, self._defaults = opened.eos, opened.defaults
        self._prompts = Prompts(opened.tokenizer)
        self._context_length = min(settings["context_length"], opened.longest)

        if settings["max_adapters"]:
            from hypercube.inference.transformers.lora import Adapters

            shapes = shapes_in(Path(settings["path"]))
            self._adapters = Adapters(opened.model, settings["max_adapters"], shapes)
        batching = Batching(
            opened.model,
            tokenizer=opened.tokenizer,
            slots=settings["slots"],
            context_length=self._context_length,
            eos=opened.eos,
            loop=loop,
            receive=self._receive,
            crash=lambda error: _from_thread(loop, self._crashed, error),
            adapters=self._adapters is not None,
        )
        # The cache is allocated here and not by the first request, so what does not fit is refused now.
        batching.warmup()
        batching.start()
        self._batching = batching
        threads = f"{settings['threads']} thread{'s' if settings['threads'] > 1 else ''}"
        slots = f"{settings['slots']} slots of {self._context_length} tokens"
        return {
            "context_length": self._context_length,
            "description": f"transformers on {opened.where}, {opened.dtype}, {threads}, {slots}",
            "device": opened.device,
        }

    # -- what the batching says

    def _receive(self, output: Any) -> None:
        queue = self._outputs.get(output.request_id)
        if queue is not None:
            queue.put_nowait(output)

    def _crashed(self, error: Exception) -> None:
        self._fail(self._as_failure(error, "a step of the model raised"))

    def _fail(self, failure: HyperCubeError) -> None:
        if self._failure is None:
            self._failure = failure
            self._failed.set()

    def _as_failure(self, error: Exception, what: str) -> HyperCubeError:
        return out_of_memory(error) or engine_failed(f"{what}: {_said(error)}")

    async def broken(self) -> HyperCubeError:
        """Wait for a step that raised, or for logits that stay no numbers."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    # -- work

    async def generate(
        self, request: GenerationRequest, priority: int = 0
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer, an event a token that shows something; its batching has no priorities."""
        adapter = self._adapter(request.adapter)
        loop = asyncio.get_running_loop()
        schema = request.json_schema if request.json_schema is not None else forced_schema(request)
        if schema is not None:
            await loop.run_in_executor(self._reading, self._check_schema, schema, request)
        prompt = await loop.run_in_executor(self._reading, self._prompts.read, request)
        room = self._context_length - len(prompt)
        if room < 1:
            raise context_exceeded(len(prompt), self._context_length)
        limit = room if request.max_tokens is None else min(room, request.max_tokens)
        number = f"{next(self._numbers)}"
        outputs = self._outputs[number] = asyncio.Queue()
        try:
            self._gathering.add(lambda: self._submit(number, prompt, limit, request, schema, adapter))
            detokenizer = Detokenizer(self._decode)
            stops = StopFinder((*request.sampling.stop, *self._prompts.stops_of(request)))
            calls, rated = ToolCallReader(request), RatedTokens()
            seen = 0
            while True:
                output = await outputs.get()
                if output is None:
                    raise self._failure or engine_failed("it takes no more requests")
                tokens = self._sound(output)
                text = ""
                for token in tokens[seen:]:
                    seen += 1
                    if token not in self._eos:
                        self._rate(number, seen - 1, token, rated)
                        text += stops.feed(detokenizer.feed(token))
                    if stops.found:
                        break
                piece = calls.feed(text)
                if stops.found or calls.full or output.is_finished():
                    ended = stops.found or calls.full or tokens[-1] in self._eos
                    if not (stops.found or calls.full):
                        text = stops.feed(detokenizer.flush()) + stops.flush()
                        piece = joined(piece, calls.feed(text), calls.flush())
                    if output.is_finished():
                        del self._outputs[number]
                    stop = FinishReason.TOOL_CALLS if calls.called else FinishReason.STOP
                    yield GenerationEvent(
                        piece.text,
                        stop if ended else FinishReason.LENGTH,
                        Usage(len(prompt), seen),
                        rated.cut(piece.text) if stops.found else rated.shown(),
                        piece.calls,
                    )
                    return
                if piece.text or piece.calls:
                    yield GenerationEvent(piece.text, logprobs=rated.shown(), tool_calls=piece.calls)
        finally:
            self._running.discard(number)
            if self._batching is not None:
                self._batching.sampler.forget(number)
            if self._outputs.pop(number, None) is not None and self._batching is not None:
                self._batching.cancel_request(number)

    def _check_schema(self, schema: str, request: GenerationRequest) -> None:
        """Compile a schema, or say what is wrong with it."""
        from hypercube.inference.transformers.grammar import UnusableSchemaError

        assert self._batching is not None
        try:
            self._batching.grammars.matcher(schema)
        except UnusableSchemaError as error:
            param = "tools" if request.json_schema is None else "response_format"
            raise invalid(
                f"No answer can be kept to this JSON schema: {error}.",
                param=param,
                value=schema,
                fix="Leave out the keyword that it names, or ask for free text.",
            ) from None

    def _submit(
        self,
        number: str,
        prompt: list[int],
        limit: int,
        request: GenerationRequest,
        schema: str | None,
        adapter: "Adapter | None",
    ) -> None:
        if number not in self._outputs:
            return  # its client left meanwhile
        self._running.add(number)
        from hypercube.inference.transformers.batching import Rated
        from hypercube.inference.transformers.sampling import Draw

        seed = random.SystemRandom().getrandbits(63)
        draw = Draw.of(request.sampling, self._defaults, seed, schema)
        batching = self._batching
        assert batching is not None
        if request.logprobs is not None:
            batching.sampler.rated[number] = Rated(request.logprobs)
        more = {} if adapter is None else {"adapter": adapter}
        taken = batching.add_request(
            prompt,
            request_id=number,
            max_new_tokens=limit,
            streaming=True,
            eos_token_id=self._eos,
            draw=draw,
            **more,
        )
        if taken is None:
            self._outputs[number].put_nowait(None)

    def _rate(self, number: str, at: int, token: int, rated: RatedTokens) -> None:
        """Note the log-probability of the token made in place `at`, if it was asked for."""
        assert self._batching is not None
        asked = self._batching.sampler.rated.get(number)
        if asked is not None:
            rated.add(self._prompts.texts.rated(token, *asked.tokens[at]))

    def _sound(self, output: Any) -> Sequence[int]:
        """The tokens of a result, if it is one."""
        assert self._batching is not None
        sampler = self._batching.sampler
        if output.request_id in sampler.unsound:
            place = f"after {len(output.generated_tokens) - 1} tokens of the answer"
            failure = engine_failed(f"the model's logits are not numbers (NaN or infinite) {place}")
            if sampler.unsound_in_a_row >= _UNSOUND_LIMIT:
                self._fail(failure)
            raise failure
        if (why := sampler.astray.get(output.request_id)) is not None:
            raise engine_failed(f"the answer could not be kept to its schema: {why}")
        if output.error is not None:
            # A crash names itself right after; a request alone fails only by a defect of ours.
            raise self._failure or engine_failed(f"a step of the model raised: {output.error}")
        tokens: Sequence[int] = output.generated_tokens
        return tokens

    def _decode(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """Use the model's tokenizer."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._reading, self._prompts.tokenize, request, self._context_length
        )

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.EMBED)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """Not among its capabilities."""
        raise incapable(WHO, Capability.SCORE)

    async def load_adapter(self, name: str, folder: str) -> None:
        """Take a LoRA adapter in under a name; a name that is taken means the new one for requests to come."""
        if self._adapters is None:
            raise incapable(WHO, Capability.ADAPTERS)
        async with self._changing:
            await in_passing_thread(self._adapters.load, name, Path(folder))

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter; answers under way end with theirs."""
        if self._adapters is None:
            raise incapable(WHO, Capability.ADAPTERS)
        async with self._changing:
            self._adapters.unload(name)

    def _adapter(self, name: str) -> "Adapter | None":
        if not name:
            return None
        if self._adapters is None:
            raise incapable(WHO, Capability.ADAPTERS)
        return self._adapters.find(name)

    async def close(self) -> None:
        """End the other ranks; the rest ends with the process."""
        if self._ranks is not None:
            self._ranks.close()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".: \n")


def _from_thread(loop: asyncio.AbstractEventLoop, call: Callable[[T], None], argument: T) -> None:
    loop.call_soon_threadsafe(call, argument)
