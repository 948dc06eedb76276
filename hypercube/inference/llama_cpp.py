"""GGUF models on llama.cpp, in a child process of their own: a fault in native code ends the child, not the server."""

import asyncio
import contextlib
import importlib
import importlib.util
import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest, Tokenized, TokenizeRequest
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.served_models import Capability
from hypercube.inference.chat_chunks import refusal
from hypercube.inference.chat_stream import chat_body, stream_chat, trimmed
from hypercube.inference.cores import available_cores
from hypercube.inference.engine import EngineOptions, GeneratesOnly, engine_failed
from hypercube.inference.liveness import SILENT_S, TICK_S, Liveness, until_hung
from hypercube.inference.llama_cpp_child import LlamaCppChild, require_platform, work_meter
from hypercube.inference.tool_calls import ToolCallReader, described, forced_schema, read_calls

if TYPE_CHECKING:
    import httpx

_BATCH: Final = 64
"""Prompt tokens between two looks at cancellations; measured on two cores, 64 reads as fast as 2048."""
_CONTEXT_STEP: Final = 256
_PROMPT_CACHE_MIB: Final = 256
_EXIT_NEWS_S: Final = 0.5
"""A socket breaks a moment before the end of its process is known."""
_BACKSTOP_S: Final = 120.0
"""Limit of one read; who hangs is found long before, by `Liveness`."""


class LlamaCppEngine(GeneratesOnly):
    """A GGUF model in a child process, spoken to over a UNIX socket that only this user can reach."""

    capabilities = frozenset(
        {
            Capability.GENERATE,
            Capability.JSON_SCHEMA,
            Capability.LOGPROBS,
            Capability.LOGIT_BIAS,
            Capability.TOOLS,
            Capability.TOOL_CHOICE,
            Capability.COMPLETE,
            Capability.TOKENIZE,
        }
    )

    def __init__(
        self, options: EngineOptions, *, stall_s: float = SILENT_S, load_timeout_s: float = 300.0
    ) -> None:
        """`load_timeout_s` of loading, and after it `stall_s` of silence or deadlock, count as broken."""
        # llama.cpp rounds a slot's window up; what is promised is what it does.
        self.context_length = -(-options.context_length // _CONTEXT_STEP) * _CONTEXT_STEP
        self.slots = options.slots
        self._threads = options.threads or available_cores()
        self._stall_s = stall_s
        self._load_timeout_s = load_timeout_s
        self._child: LlamaCppChild | None = None
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: HyperCubeError | None = None
        self._failed = asyncio.Event()
        self._unloading = False
        self._liveness: Liveness | None = None
        self._watching: tuple[asyncio.Task[None], ...] = ()
        self._awaited = 0
        self._vocabulary: int | None = None

    @property
    def description(self) -> str:
        """What runs where."""
        return (
            f"llama.cpp on the CPU, {self._threads} thread{'s' if self._threads > 1 else ''}, "
            f"{self.slots} slots of {self.context_length} tokens"
        )

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def client(self) -> "httpx.AsyncClient":
        """A client of the child's HTTP server; only while loaded."""
        if self._client is None:
            raise self._failure or engine_failed("it is not loaded")
        return self._client

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """Start the child and wait until the model is in memory."""
        if path is None:
            raise HyperCubeError(ErrorKind.FAILED_PRECONDITION, "llama.cpp needs a model file.")
        require_platform()
        on_status(f"loading {path.stat().st_size / 1e9:.2f} GB into memory")  # noqa: ASYNC240 - one stat
        try:
            async with asyncio.timeout(self._load_timeout_s):
                await self._start(path)
        except TimeoutError:
            await self.unload()
            raise engine_failed(f"loading took more than {self._load_timeout_s:g} s") from None
        except BaseException:
            await self.unload()
            raise

    async def _start(self, path: Path) -> None:
        # The first import takes a tenth of a second, which is not the event loop's to give.
        httpx = await asyncio.to_thread(importlib.import_module, "httpx")
        await asyncio.to_thread(importlib.import_module, "psutil")
        child = self._child = LlamaCppChild()
        socket = await child.start(
            {
                "model": str(path),
                "context_length": self.context_length,
                "slots": self.slots,
                "threads": self._threads,
                "batch": _BATCH,
                "prompt_cache_mib": _PROMPT_CACHE_MIB,
            }
        )
        assert child.pid is not None
        self._spawn(self._watch(child))
        self._client = httpx.AsyncClient(
            # A connection a request: the child closes those it kept whenever it likes, also under a new request, and a
            # new one over a Unix socket costs next to nothing.
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket), limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
            ),
            base_url="http://engine",
            timeout=httpx.Timeout(_BACKSTOP_S),
            trust_env=False,
        )
        self._liveness = Liveness(
            time.monotonic,
            silent_s=self._stall_s,
            stalled_s=self._stall_s,
            tick_s=min(TICK_S, self._stall_s / 8),
            cpu_seconds=work_meter(child.pid),
        )
        self._watching = (
            self._spawn(self._listen(self._liveness)),
            self._spawn(self._judge(self._liveness, child)),
        )

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self, child: LlamaCppChild) -> None:
        ended = await child.ended()
        if not self._unloading:
            self._fail(ended)

    async def _listen(self, liveness: Liveness) -> None:
        """Ask after the child's health for as long as it lives; whatever it answers is a sign of life."""
        import httpx

        while not self._unloading and not self._failed.is_set():
            try:
                await self.client.get("/health")
            except httpx.TransportError:
                pass  # no sign of life; what that means is not decided here
            else:
                liveness.heard()
            await asyncio.sleep(liveness.tick_s)

    async def _judge(self, liveness: Liveness, child: LlamaCppChild) -> None:
        self._fail(await until_hung(liveness))
        # The connections of everybody who waits for it break with it.
        child.kill()

    def _fail(self, what: str) -> HyperCubeError:
        """The engine is broken from now on; the first reason stays."""
        if self._failure is None:
            self._failure = engine_failed(what)
            self._failed.set()
        return self._failure

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; closing the iterator closes the connection, which frees the child's slot."""
        import httpx

        forced = forced_schema(request)
        calls = None if forced is None else ToolCallReader(request)
        try:
            if isinstance(request.prompt, tuple):
                await self._check_known(request.prompt, "prompt")
            body = chat_body(request) if forced is None else await self._forced_body(request, forced)
            # Progress of the prompt is a sign of life. A seed asks for the same answer again: a prompt half
            # taken from the cache is summed in another order, which can turn a close decision.
            body |= {"return_progress": True, "cache_prompt": request.sampling.seed is None}
            async with aclosing(stream_chat(self.client, body)) as events:
                while (event := await self._next(events)) is not None:
                    yield trimmed(event, request.logprobs) if calls is None else read_calls(event, calls)
        except httpx.TransportError as error:
            raise await self._why(_broken(error)) from None
        except HyperCubeError as error:
            if error.kind is not ErrorKind.ENGINE_FAILED:
                raise
            raise await self._why(error) from None

    async def _forced_body(self, request: GenerationRequest, schema: str) -> dict[str, Any]:
        """The body of a request that must call: the child's own way lets a model talk before it calls, for ever."""
        chat = chat_body(replace(request, tools=()))["messages"]
        said = await self._ask("/apply-template", {"messages": chat, "tools": described(request.tools)})
        rendered = replace(request, messages=(), tools=(), prompt=str(said["prompt"]))
        return chat_body(rendered) | {"json_schema": json.loads(schema)}

    async def _next(self, events: AsyncGenerator[GenerationEvent, None]) -> GenerationEvent | None:
        # Only while somebody waits for it is an event owed: a slow reader stops the child too.
        self._owe(+1)
        try:
            event = await anext(events, None)
        finally:
            self._owe(-1)
        if self._liveness is not None:
            self._liveness.progressed()
        return event

    def _owe(self, change: int) -> None:
        self._awaited += change
        if self._liveness is not None:
            self._liveness.working(self._awaited)

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """Ask the child's tokenizer; a token that the vocabulary does not have is INVALID_ARGUMENT."""
        import httpx

        try:
            if request.tokens is not None:
                await self._check_known(request.tokens, "tokens")
                said = await self._ask("/detokenize", {"tokens": list(request.tokens)})
                return Tokenized(request.tokens, (), str(said["content"]), self.context_length)
            text = request.text
            if text is None:
                chat = chat_body(GenerationRequest(request.messages))["messages"]
                text = str((await self._ask("/apply-template", {"messages": chat}))["prompt"])
            special = request.add_special_tokens
            options = {
                "add_special": request.text is not None if special is None else special,
                "parse_special": True,
                "with_pieces": True,
            }
            found = (await self._ask("/tokenize", {"content": text, **options}))["tokens"]
        except httpx.TransportError as error:
            raise await self._why(_broken(error)) from None
        tokens = tuple(int(each["id"]) for each in found)
        return Tokenized(tokens, tuple(_piece(each["piece"]) for each in found), text, self.context_length)

    async def _check_known(self, tokens: Sequence[int], param: str) -> None:
        """Refuse a token that the vocabulary does not have: the child answers those with a fault."""
        if self._vocabulary is None:
            listed = (await self.client.get("/v1/models")).json()
            self._vocabulary = int(listed["data"][0]["meta"]["n_vocab"])
        for at, token in enumerate(tokens):
            if token >= self._vocabulary:
                raise invalid(
                    f"There is no token {token}; the vocabulary has {self._vocabulary:,}.",
                    param=f"{param}[{at}]",
                    value=token,
                    fix=f"Write ids from 0 to {self._vocabulary - 1}.",
                )

    async def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        response = await self.client.post(path, json=dict(body))
        if response.status_code != 200:
            raise refusal(response.status_code, response.content)
        return response.json()

    async def _why(self, symptom: HyperCubeError) -> HyperCubeError:
        """The end of the process, if that is what is behind a broken stream; else the symptom itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_NEWS_S):
                await self._failed.wait()
        return self._failure or symptom

    async def died(self) -> HyperCubeError:
        """Wait until the child has ended or hangs."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    async def unload(self) -> None:
        """End the child: ask by closing its input, then kill."""
        self._unloading = True
        for task in self._watching:
            task.cancel()
        client, self._client = self._client, None
        try:
            if client is not None:
                await client.aclose()
        finally:
            if self._child is not None:
                await self._child.end()
        self._child = None
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _broken(error: "httpx.TransportError") -> HyperCubeError:
    return engine_failed(f"the connection to it broke: {type(error).__name__} {error}".strip())


def _piece(said: "str | list[int]") -> str:
    """A token's text; one that is a part of a character comes as bytes."""
    return said if isinstance(said, str) else bytes(said).decode(errors="replace")
