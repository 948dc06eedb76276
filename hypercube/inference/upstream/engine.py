"""A model that another OpenAI-compatible server runs, as an engine of this house."""

import asyncio
import importlib
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationEvent, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.chat_stream import Post, chat_body, stream_chat, trimmed
from hypercube.inference.engine import (
    Embedded,
    EngineOptions,
    Scored,
    WithoutAdapters,
    engine_failed,
    incapable,
)
from hypercube.inference.first_bytes import LONGEST_REFUSAL, first_bytes
from hypercube.inference.upstream.breaker import Outcome
from hypercube.inference.upstream.embeddings import read_embeddings
from hypercube.inference.upstream.errors import UpstreamError, broke_off, no_answer, refused, unavailable
from hypercube.inference.upstream.health import Health, check_model
from hypercube.inference.upstream.options import UpstreamOptions
from hypercube.inference.upstream.passage import Passage
from hypercube.inference.upstream.retry_budget import TRIES, RetryBudget, pause_s

if TYPE_CHECKING:
    import httpx

_GENERATING: Final = {
    Capability.GENERATE,
    Capability.JSON_SCHEMA,
    Capability.LOGPROBS,
    Capability.LOGIT_BIAS,
    Capability.TOOLS,
    Capability.TOOL_CHOICE,
    Capability.COMPLETE,
}
"""Of OpenAI's protocol; what the other server lacks of it, that server refuses, and its words are passed on."""
_ONE_TOKEN: Final = GenerationRequest(
    (ChatMessage("user", "1"),), max_tokens=1, sampling=Sampling(temperature=0.0)
)
_ONE_TOKEN_S: Final = 30.0
_PASSING: Final = frozenset({ErrorKind.UNAVAILABLE, ErrorKind.OVERLOADED, ErrorKind.ENGINE_FAILED})
_LONGEST_PAUSE_S: Final = 5.0
"""A server that asks us to wait longer gets no second try of ours: the caller is told when to come back."""
_LONGEST_ANSWER: Final = 64 << 20
"""Bytes of vectors: of 128 texts with 4,096 numbers each some 12 MB."""
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
"""Between two tries to reach a server that is not there when we start."""


class UpstreamEngine(WithoutAdapters):
    """Streams from an OpenAI-compatible server.

    Before a first byte went out, what failed is tried again within a budget; when the server fails too often,
    nobody is sent there until a real request of our own succeeds. A server that is away is waited for: it does
    not make this engine die.
    """

    def __init__(
        self,
        options: UpstreamOptions,
        engine: EngineOptions,
        *,
        connections: asyncio.Semaphore | None = None,
        clock: Clock = monotonic,
        dice: random.Random | None = None,
    ) -> None:
        """`connections` bounds the requests under way to this host; share it between engines of one host."""
        self.context_length = engine.context_length
        # The other server queues by itself, so there are as many places as connections.
        self.slots = options.max_connections
        self.capabilities = frozenset({Capability.EMBED} if options.embeddings else _GENERATING)
        self._options = options
        self._passage = Passage(
            options.host, connections or asyncio.Semaphore(options.max_connections), clock
        )
        self.breaker = self._passage.breaker
        self._health = Health(options, self._passage, clock)
        self._clock = clock
        self._dice = dice or random.Random()  # noqa: S311 - jitter
        self._budget = RetryBudget(clock)
        self._client: httpx.AsyncClient | None = None
        self._plain: Post | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def description(self) -> str:
        """What runs where."""
        model = f" ({self._options.model})" if self._options.model else ""
        return f"the upstream server {self._options.host}{model}"

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """Wait until the server answers for real; however long that takes, `on_status` says why.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it refuses our key or has no such model.
        """
        httpx = await asyncio.to_thread(importlib.import_module, "httpx")
        options = self._options
        transport = plain = None
        if options.base_url.startswith("http://"):
            plain = await asyncio.to_thread(importlib.import_module, f"{__package__}.transport")
            transport = plain.PlainTransport(options.max_connections)
        self._client = httpx.AsyncClient(
            transport=transport,
            base_url=options.base_url,
            # No compression: a compressed event stream would be held back in pieces.
            headers={"accept-encoding": "identity"}
            | ({"authorization": f"Bearer {options.api_key}"} if options.api_key else {}),
            timeout=httpx.Timeout(options.silence_s, connect=options.connect_s),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=options.max_connections),
            follow_redirects=False,
            trust_env=False,
        )
        if plain is not None:
            self._plain = plain.Poster(self._client, transport)
        wait_s = _FIRST_WAIT_S
        while True:
            on_status(f"asking {self.description}")
            try:
                await check_model(self._http, options)
                await self._one_answer()
                break
            except TimeoutError:
                on_status(f"waiting for {self.description}: no answer in {_ONE_TOKEN_S:g} s")
            except HyperCubeError as error:
                if error.kind not in _PASSING:
                    raise
                on_status(f"waiting for {self.description}: {error.message.rstrip('.')}")
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        self._looking = asyncio.get_running_loop().create_task(
            self._health.look_after(self._http, self._one_answer), name="upstream health"
        )

    def watch(self, on_away: Callable[[str | None], None]) -> None:
        """Call `on_away` with a sentence when the server is given up for now, and with None when it is back."""
        self._passage.watch(on_away)

    @property
    def retry_after_s(self) -> float:
        """When a server that is away is looked at again."""
        return self._passage.retry_after_s

    # -- work

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; closing the iterator closes the connection."""
        body = self._named(chat_body(request))
        self._budget.requested()
        attempt, begun = 1, False
        while True:
            try:
                async with aclosing(self._chat(body, call)) as events:
                    async for event in events:
                        begun = begun or not event.empty
                        yield trimmed(event, request.logprobs)
            except UpstreamError as failed:
                if begun:
                    raise
                await self._before_again(failed, attempt, call.deadline)
                attempt += 1
            else:
                return

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """Vectors of texts. The server counts tokens a request, so each text gets its even share of them."""
        body = self._named({"input": list(texts), "encoding_format": "float"})
        self._budget.requested()
        attempt = 1
        while True:
            try:
                answer = await self._post("/v1/embeddings", body)
                return read_embeddings(answer, len(texts), self._options.host)
            except UpstreamError as failed:
                await self._before_again(failed, attempt, None)
                attempt += 1

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """Not among its capabilities: OpenAI's protocol has no such call."""
        raise incapable(type(self).__name__, Capability.SCORE)

    async def died(self) -> HyperCubeError:
        """Never: a server that is away comes back without this engine being loaded again."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def unload(self) -> None:
        """Close every connection."""
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # -- one call

    def _named(self, body: dict[str, Any]) -> dict[str, Any]:
        return body | ({"model": self._options.model} if self._options.model else {})

    async def _before_again(self, failed: UpstreamError, attempt: int, deadline: float | None) -> None:
        """Pause before the next try; raises `failed` when there is to be none."""
        if not failed.again or attempt >= TRIES:
            raise failed
        pause = pause_s(attempt, failed.asked_s, self._dice)
        left = _LONGEST_PAUSE_S if deadline is None else min(_LONGEST_PAUSE_S, deadline - self._clock())
        if pause >= left or not self._passage.open or not self._budget.spend():
            raise failed
        await asyncio.sleep(pause)

    async def _chat(self, body: Mapping[str, Any], call: Call) -> AsyncGenerator[GenerationEvent, None]:
        import httpx

        host, begun = self._options.host, False
        headers = {"x-request-id": call.request_id} if call.request_id else None
        async with self._passage.passed(call.deadline) as passed:
            try:
                # Who pays by the token pays for an answer that is left by what was sent of it, piece by piece.
                joined = call.joined and call.principal.tokens is None
                events = stream_chat(
                    self._http, body, headers=headers, refused=self._refused, post=self._plain, joined=joined
                )
                async with aclosing(events):
                    async for event in events:
                        self._health.answered_at = self._clock()
                        passed.outcome = Outcome.SUCCESS
                        begun = begun or not event.empty
                        yield event
            except httpx.RequestError as error:
                if begun:
                    raise broke_off(host, type(error).__name__) from None
                raise no_answer(host, error) from None
            except UpstreamError:
                raise
            except HyperCubeError as error:
                # The stream itself says so, or is none: a 4xx in it is the request's fault.
                if error.kind is not ErrorKind.ENGINE_FAILED:
                    raise UpstreamError.made(error, Outcome.SUCCESS, again=False) from None
                if begun:
                    raise broke_off(host, error.message) from None
                missing = unavailable(host, f"gave no answer ({error.message.rstrip('.')})")
                raise UpstreamError.made(missing, Outcome.FAILURE, again=True) from None

    async def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        import httpx

        async with self._passage.passed(None) as passed:
            try:
                async with self._http.stream("POST", path, json=dict(body)) as response:
                    said = await first_bytes(
                        response, _LONGEST_ANSWER if response.status_code == 200 else LONGEST_REFUSAL
                    )
            except httpx.RequestError as error:
                raise no_answer(self._options.host, error) from None
            if response.status_code != 200:
                raise self._refused(response, said)
            if len(said) > _LONGEST_ANSWER:
                raise broke_off(self._options.host, f"it is longer than {_LONGEST_ANSWER:,} bytes")
            passed.outcome = Outcome.SUCCESS
            self._health.answered_at = self._clock()
            return said

    def _refused(self, response: "httpx.Response", body: bytes) -> HyperCubeError:
        return refused(self._options.host, response, body)

    @property
    def _http(self) -> "httpx.AsyncClient":
        if self._client is None:
            raise engine_failed("it is not loaded")
        return self._client

    async def _one_answer(self) -> None:
        """A real answer, as short as can be."""
        async with asyncio.timeout(_ONE_TOKEN_S):
            if self._options.embeddings:
                answer = await self._post("/v1/embeddings", self._named({"input": ["1"]}))
                read_embeddings(answer, 1, self._options.host)
                return
            async with aclosing(self._chat(self._named(chat_body(_ONE_TOKEN)), Call())) as events:
                async for _ in events:
                    pass
