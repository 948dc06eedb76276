"""OpenAI's Responses: create (whole, streamed, or in the background), read again, cancel, delete, go on from."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import orjson
from starlette.responses import Response

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.gateway.errors import failure_of
from hypercube.gateway.handlers import chat as handler
from hypercube.gateway.handlers.models import default_model
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.keyed import once
from hypercube.gateway.http.openai_bodies import DeletedResponseBody, ResponseBody
from hypercube.gateway.http.openai_protocol import renamed
from hypercube.gateway.http.openai_response_events import Event, ResponseWriter
from hypercube.gateway.http.openai_responses import ResponsesRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, encode, json_response
from hypercube.gateway.response_store import StoredResponse
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close
from hypercube.gateway.validation import JsonModel, json_model

PATH: Final = "/v1/responses"
_REQUEST: Final[JsonModel[ResponsesRequest]] = json_model(ResponsesRequest)


async def create(request: HttpRequest) -> Response:
    """A whole response, a stream of its events, or the promise of one."""
    asked = _REQUEST.read(request.body)
    request.call.end_user = asked.end_user
    if asked.stream and not asked.background:
        with _named_as_asked(asked):
            return EventStream(await _begun(request, asked), request.call.request_id, frame=_named, last=b"")
    return await once(request, PATH, partial(_whole, request, asked))


async def _begun(request: HttpRequest, asked: ResponsesRequest) -> "_Making":
    services, call = request.services, request.call
    before = _before(services, asked.previous_response_id, call)
    answer = await handler.stream(services, asked.to_generation(before), call)
    writer = ResponseWriter(asked, answer.model)
    return _Making(answer, writer, services, asked, (*before, *asked.turns()), call)


async def _whole(request: HttpRequest, asked: ResponsesRequest) -> dict[str, Any]:
    with _named_as_asked(asked):
        if asked.background:
            return await _begin(request.services, asked, request.call)
        return await (await _begun(request, asked)).whole()


@contextmanager
def _named_as_asked(asked: ResponsesRequest) -> Iterator[None]:
    try:
        yield
    except HyperCubeError as error:
        error = renamed(error, asked.names)
        if error.param is not None:  # tools are flat here
            error.param = error.param.replace(".function.", ".")
        raise error from None


def _named(data: bytes) -> bytes:
    """An event with its type as its name, which the type inside repeats."""
    kind: str = orjson.loads(data)["type"]
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def _before(services: GatewayServices, name: str | None, call: Call) -> tuple[ChatMessage, ...]:
    if name is None:
        return ()
    found = services.responses.find(name, call.tenant)
    if found is None or found.task is not None:
        raise invalid(
            f"There is no response {name!r} to go on from."
            if found is None
            else f"The response {name!r} is still being made.",
            param="previous_response_id",
            value=name,
            fix="Send the whole conversation as input: responses are kept for a while only, and not with store: false."
            if found is None
            else "Wait until it is completed.",
        )
    return tuple(found.turns)


class _Making(AsyncIterator[bytes]):
    """The events of a response as JSON; keeps the response when it has ended, however that was."""

    def __init__(
        self,
        answer: handler.ChatStream,
        writer: ResponseWriter,
        services: GatewayServices,
        asked: ResponsesRequest,
        turns: tuple[ChatMessage, ...],
        call: Call,
    ) -> None:
        self.writer = writer
        self._answer = answer
        self._services = services
        self._kept = asked.store is not False
        self._turns = turns
        self._call = call
        self._ready: list[Event] = list(writer.begin())
        self._ended = False

    async def __anext__(self) -> bytes:
        while not self._ready:
            if self._ended:
                raise StopAsyncIteration
            await self._step()
        return encode(self._ready.pop(0))

    async def _step(self) -> None:
        try:
            event = await anext(self._answer.events)
        except StopAsyncIteration:
            self._end()
        except Exception as error:  # noqa: BLE001 - a started stream has no status left: it says so in an event
            self._ready.append(self.writer.fail(failure_of(error, self._call.request_id)))
            self._end()
        else:
            self._ready.extend(self.writer.add(event))

    async def whole(self) -> dict[str, Any]:
        """The body, when everything is there; raises what went wrong on the way."""
        try:
            async for event in self._answer.events:
                for _ in self.writer.add(event):
                    pass  # only a stream has events
        finally:
            await close(self._answer.events)
        self._end()
        return self.writer.body

    def _end(self) -> None:
        self._ended = True
        if self._kept:
            turns = (*self._turns, self.writer.answer)
            self._services.responses.put(
                self.writer.id, StoredResponse(self.writer.body, turns, self._call.tenant)
            )

    async def aclose(self) -> None:
        """Close the answer; the model stops."""
        await close(self._answer.events)


async def _begin(services: GatewayServices, asked: ResponsesRequest, call: Call) -> dict[str, Any]:
    """Start a response that goes on without its client."""
    before = _before(services, asked.previous_response_id, call)
    generation, turns = asked.to_generation(before), (*before, *asked.turns())
    model = asked.model or await default_model(services, call)
    writer = ResponseWriter(asked, model, status="queued")
    kept = StoredResponse(writer.body, turns, call.tenant)

    async def work() -> None:
        try:
            with services.traffic.admit():
                answer = await handler.stream(services, generation, call)
                making = _Making(answer, writer, services, asked, turns, call)
                await making.whole()
        except asyncio.CancelledError:
            writer.cancel()
            services.responses.put(writer.id, StoredResponse(writer.body, turns, call.tenant))
            raise
        except Exception as error:  # noqa: BLE001 - whoever asks for the response hears of it
            writer.fail(failure_of(error, call.request_id))
            services.responses.put(writer.id, StoredResponse(writer.body, turns, call.tenant))

    services.responses.put(writer.id, kept)
    body = dict(writer.body)
    kept.task = asyncio.get_running_loop().create_task(work(), name=writer.id)
    return body


def _find(request: HttpRequest) -> tuple[str, StoredResponse]:
    name = str(request.path["id"])
    found = request.services.responses.find(name, request.call.tenant)
    if found is None:
        raise HyperCubeError(
            ErrorKind.NOT_FOUND,
            f"There is no response {name!r}.",
            param="response_id",
            value=name,
            fix="Responses are kept for a while only, and not with store: false.",
        )
    return name, found


async def read(request: HttpRequest) -> Response:
    """A response as it stands."""
    return json_response(_find(request)[1].body)


async def cancel(request: HttpRequest) -> Response:
    """Stop a response that is made in the background; one that has ended stays as it is."""
    name, found = _find(request)
    if not found.body["background"]:
        raise invalid(
            f"The response {name!r} was not made in the background.",
            param="response_id",
            value=name,
            fix="Close the connection of a response to stop it; only background ones are cancelled by name.",
        )
    if found.task is not None:
        found.task.cancel()
        await asyncio.gather(found.task, return_exceptions=True)
        name, found = _find(request)
        if found.task is not None:  # it was stopped before it began
            found.body["status"], found.task = "cancelled", None
    return json_response(found.body)


async def delete(request: HttpRequest) -> Response:
    """Forget a response."""
    name, found = _find(request)
    task = found.task
    request.services.responses.delete(name)
    if task is not None:
        await asyncio.gather(task, return_exceptions=True)
        if request.services.responses.find(name, request.call.tenant) is not None:
            request.services.responses.delete(name)
    body: DeletedResponseBody = {"id": name, "object": "response", "deleted": True}
    return json_response(body)


_NAME: Final = {"id": ("The id of a response.", "resp_5f0c9be6a1b24e0bb2f3b0c7a8d5e9f1")}

OPERATIONS: Final = (
    Operation(
        "POST",
        PATH,
        "chat",
        "Answer, as OpenAI's Responses do",
        create,
        allowance="chat_s",
        request=ResponsesRequest,
        examples=examples.RESPONSES,
        response=ResponseBody,
        response_example=examples.RESPONSE,
        media=(JSON, EVENTS),
        errors=(400, 404, 409, 413, 429, 502, 503, 504),
        keyed=True,
        description=(
            "Responses are kept in memory for an hour, unless `store` is false: read them again by their id, go on "
            "from them with `previous_response_id`. A stream ends with `response.completed`, "
            "`response.incomplete` or `response.failed`; there is no `[DONE]`."
        ),
    ),
    Operation(
        "GET",
        "/v1/responses/{id}",
        "chat",
        "A response as it stands",
        read,
        response=ResponseBody,
        response_example=examples.RESPONSE,
        errors=(404,),
        parameters=_NAME,
    ),
    Operation(
        "DELETE",
        "/v1/responses/{id}",
        "chat",
        "Forget a response",
        delete,
        response=DeletedResponseBody,
        response_example={"id": _NAME["id"][1], "object": "response", "deleted": True},
        errors=(404,),
        parameters=_NAME,
    ),
    Operation(
        "POST",
        "/v1/responses/{id}/cancel",
        "chat",
        "Stop a response that is made in the background",
        cancel,
        response=ResponseBody,
        response_example=examples.RESPONSE,
        errors=(400, 404),
        parameters=_NAME,
    ),
)
