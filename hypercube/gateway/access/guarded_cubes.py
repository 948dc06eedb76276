"""The cubes as a caller with scopes and quotas sees them: the one place that every route's work goes through.

Scopes on cubes and models are checked here, and tokens are reserved before a model is asked and settled when it
has answered. A reservation is what the request may cost at most as far as that is known: an estimate of the prompt
and `max_tokens` (without one: what the context window leaves, or all that is left). It is settled with the usage
that the model reports. A request that fails costs nothing; one that its client leaves costs what was sent to it.
"""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from hypercube.core.cube import Call, Cube, HealthStatus, is_stream
from hypercube.core.engine import (
    EmbeddingRequest,
    Embeddings,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
)
from hypercube.core.errors import invalid
from hypercube.core.principal import Principal, Rate, ScopeKind
from hypercube.core.reading import ReadingRequest
from hypercube.core.served_models import Capability, ModelsRequest, ModelsResponse, ServedModel
from hypercube.gateway.access.authenticator import Access
from hypercube.gateway.services import MODELS, Cubes
from hypercube.gateway.streams import close

_PER_MESSAGE: Final = 4
"""Tokens that a chat template puts around a turn, about."""
_NEEDS: Final[Mapping[type, Capability]] = {
    GenerationRequest: Capability.GENERATE,
    EmbeddingRequest: Capability.EMBED,
    ScoreRequest: Capability.SCORE,
}


class GuardedCubes:
    """`Cubes` for callers who are not trusted with everything; callers without scopes and quotas pass untouched."""

    def __init__(self, cubes: Cubes, access: Access) -> None:
        self._cubes = cubes
        self._access = access

    def names(self) -> tuple[str, ...]:
        """Every registered cube."""
        return self._cubes.names()

    def get(self, name: str) -> Cube:
        """One cube."""
        return self._cubes.get(name)

    def all(self) -> tuple[Cube, ...]:
        """Every registered cube."""
        return self._cubes.all()

    async def health(self) -> Mapping[str, HealthStatus]:
        """Every cube's own verdict by name."""
        return await self._cubes.health()

    def at_once(self, name: str, request: Any, call: Call) -> Any:
        """What needs no waiting names no model and costs no tokens; the cube itself may be out of bounds.

        Raises:
            HyperCubeError: PERMISSION_DENIED for a scope; what the cube raises.
        """
        if call.principal.scopes:
            call.principal.require_scope(ScopeKind.CUBE, name)
        return self._cubes.at_once(name, request, call)

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Let a cube answer.

        Raises:
            HyperCubeError: PERMISSION_DENIED for a scope; OVERLOADED with `retry_after_s` for a spent quota; what
                the cube raises.
        """
        principal = call.principal
        if principal.scopes:
            request = await self._within_scopes(name, request, call)
        rate = principal.tokens
        if rate is None or type(request) not in _NEEDS:
            answer = await self._cubes.process(name, request, call)
            return _visible(answer, principal) if principal.scopes else answer
        return await self._metered(name, request, call, rate)

    async def _within_scopes(self, name: str, request: Any, call: Call) -> Any:
        principal = call.principal
        if name == MODELS and isinstance(request, ModelsRequest):
            return request  # what is served is listed as far as the caller may use it
        principal.require_scope(ScopeKind.CUBE, name)
        model = getattr(request, "model", None)
        if not isinstance(model, str) or isinstance(request, ReadingRequest):
            return request  # a reading asks its model through this same door, section by section
        if model == "" and not principal.allows(ScopeKind.MODEL, ""):
            request = dataclasses.replace(request, model=await self._first_allowed(request, call))
        principal.require_scope(ScopeKind.MODEL, request.model)
        return request

    async def _first_allowed(self, request: Any, call: Call) -> str:
        """The model that a request which names none means for this caller; empty if it may use none."""
        need = _NEEDS.get(type(request))
        for model in await self._models(call):
            if (need is None or need in model.capabilities) and call.principal.allows(
                ScopeKind.MODEL, model.name
            ):
                return model.name
        return ""

    async def _models(self, call: Call) -> tuple[ServedModel, ...]:
        response: ModelsResponse = await self._cubes.process(MODELS, ModelsRequest(), call)
        return response.models

    async def _metered(self, name: str, request: Any, call: Call, rate: Rate) -> Any:
        prompt = estimated_tokens(request)
        stated = request.max_tokens if isinstance(request, GenerationRequest) else 0
        if stated is not None and stated < 0:
            stated = 0  # refused by the model, and no way to fill a quota
        least = prompt + (1 if stated is None else stated)
        if least > rate.amount:
            raise invalid(
                f"This request may take {least:,} tokens, and {call.principal.name!r} has {rate.amount:,} "
                f"in {rate.per_s:g} s in all.",
                param="max_tokens" if isinstance(request, GenerationRequest) else "input",
                value=least,
                fix="Ask for a shorter answer (max_tokens), or send less at once.",
                limit=rate.amount,
            )
        most = least if stated is not None else prompt + await self._room(request, prompt, call, rate)
        reserved = await self._access.reserve(call.principal, rate, max(least, most), least, call)
        bill = _Bill(self._access, call.principal, rate, reserved, prompt)
        try:
            answer = await self._cubes.process(name, request, call)
        except BaseException:
            bill.pay(0)
            raise
        if is_stream(answer):
            return _Metered(answer, bill)
        bill.pay(answer.prompt_tokens if isinstance(answer, Embeddings | Scores) else prompt)
        return answer

    async def _room(self, request: GenerationRequest, prompt: int, call: Call, rate: Rate) -> int:
        """How long an answer may become whose length is not bounded: what the context window leaves."""
        models = await self._models(call)
        window = next((m.context_length for m in models if request.model in ("", m.name)), 0)
        return max(0, min(window or rate.amount, rate.amount) - prompt)


def estimated_tokens(request: Any) -> int:
    """About how many tokens a request brings: one for four characters of ASCII, one for each other one."""
    if isinstance(request, EmbeddingRequest):
        return sum(map(_about, request.texts))
    if isinstance(request, ScoreRequest):
        return _about(request.query) * len(request.documents) + sum(map(_about, request.documents))
    if request.prompt is not None:
        return len(request.prompt) if isinstance(request.prompt, tuple) else _about(request.prompt)
    return sum(_about(message.content) + _PER_MESSAGE for message in request.messages)


def _about(text: str) -> int:
    size = len(text.encode("utf-8", "surrogatepass"))
    others = 0 if size == len(text) else sum(1 for character in text if ord(character) > 127)
    return others + (len(text) - others + 3) // 4


def _visible(answer: Any, principal: Principal) -> Any:
    if not isinstance(answer, ModelsResponse):
        return answer
    allowed = (model for model in answer.models if principal.allows(ScopeKind.MODEL, model.name))
    return ModelsResponse(tuple(allowed))


class _Bill:
    """A reservation, settled once."""

    __slots__ = ("_access", "_principal", "_rate", "_reserved", "_settled", "prompt")

    def __init__(self, access: Access, principal: Principal, rate: Rate, reserved: int, prompt: int) -> None:
        self._access = access
        self._principal = principal
        self._rate = rate
        self._reserved = reserved
        self._settled = False
        self.prompt = prompt

    def pay(self, used: int) -> None:
        """Settle, unless that was done."""
        if not self._settled:
            self._settled = True
            self._access.settle(self._principal, self._rate, self._reserved, used)


class _Metered(AsyncIterator[Any]):
    """An answer under way, and its bill."""

    def __init__(self, events: AsyncIterator[Any], bill: _Bill) -> None:
        self._events = events
        self._bill = bill
        self._pieces = 0

    async def __anext__(self) -> Any:
        try:
            event = await anext(self._events)
        except Exception:  # also an end without a word of its usage, which is a failure
            self._bill.pay(0)
            raise
        if isinstance(event, GenerationEvent):
            if event.usage is not None:
                self._bill.pay(event.usage.total_tokens)
            elif not event.empty:
                self._pieces += 1
        return event

    def _so_far(self) -> int:
        return self._bill.prompt + self._pieces if self._pieces else 0

    async def aclose(self) -> None:
        """Close the stream; what was sent until now is paid for."""
        try:
            await close(self._events)
        finally:
            self._bill.pay(self._so_far())
