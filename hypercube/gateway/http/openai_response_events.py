"""A response under way: the events of its stream, and the body that they add up to.

A plain answer is the body after the last event, so the two cannot disagree.
"""

import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.http.openai_chunks import grounding_body, logprob_bodies
from hypercube.gateway.http.openai_responses import ResponsesRequest

Event = dict[str, Any]
_CODES: Final = {
    ErrorKind.OVERLOADED: "rate_limit_exceeded",
    ErrorKind.INVALID_ARGUMENT: "invalid_prompt",
    ErrorKind.CONTEXT_LENGTH_EXCEEDED: "invalid_prompt",
}


class ResponseWriter:
    """Turns the pieces of an answer into OpenAI's events, numbered from 0, and keeps the body up to date."""

    def __init__(self, asked: ResponsesRequest, model: str, *, status: str = "in_progress") -> None:
        self.id = f"resp_{uuid.uuid4().hex}"
        self.body = _body(self.id, asked, model, status)
        self._number = 0
        self._text = ""
        self._rated: list[TokenLogprob] = []
        self._message: int | None = None
        self._calls: dict[int, int] = {}
        self._arguments: dict[int, str] = {}
        self._call_ids: dict[int, str] = {}

    @property
    def answer(self) -> ChatMessage:
        """The model's turn so far."""
        calls = (
            ToolCall(self._call_ids[index], self.body["output"][place]["name"], self._arguments[index])
            for index, place in self._calls.items()
        )
        return ChatMessage("assistant", self._text, tuple(calls))

    def begin(self) -> Iterator[Event]:
        """Before the first piece."""
        self.body["status"] = "in_progress"
        yield self._response("response.created")
        yield self._response("response.in_progress")

    def add(self, event: GenerationEvent) -> Iterator[Event]:
        """What a piece becomes."""
        if event.text or event.logprobs:
            yield from self._say(event)
        for piece in event.tool_calls:
            yield from self._call(piece)
        if event.finish_reason is not None and event.usage is not None:
            if event.grounding is not None:
                self.body["x_hypercube"] = grounding_body(event.grounding)
            yield from self._end(event.finish_reason, event.usage)

    def fail(self, failure: Failure) -> Event:
        """The answer broke off."""
        self.body |= {
            "status": "failed",
            "error": {"code": _CODES.get(failure.kind, "server_error"), "message": failure.message},
        }
        return self._response("response.failed")

    def cancel(self) -> None:
        """The answer was called off."""
        self.body["status"] = "cancelled"

    # -- the parts of an answer

    def _say(self, event: GenerationEvent) -> Iterator[Event]:
        if self._message is None:
            self._message = len(self.body["output"])
            item = {
                "id": _id("msg"),
                "type": "message",
                "role": "assistant",
                "status": "in_progress",
                "content": [],
            }
            self.body["output"].append(item)
            yield self._event("response.output_item.added", output_index=self._message, item=dict(item))
            yield self._event("response.content_part.added", **self._place(), part=_part("", []))
        self._text += event.text
        self._rated += event.logprobs
        yield self._event(
            "response.output_text.delta",
            **self._place(),
            delta=event.text,
            logprobs=logprob_bodies(event.logprobs),
        )

    def _call(self, piece: ToolCallDelta) -> Iterator[Event]:
        if piece.index not in self._calls:
            place = self._calls[piece.index] = len(self.body["output"])
            self._arguments[piece.index] = ""
            self._call_ids[piece.index] = piece.id
            item = {
                "id": _id("fc"),
                "type": "function_call",
                "status": "in_progress",
                "call_id": piece.id,
                "name": piece.name,
                "arguments": "",
            }
            self.body["output"].append(item)
            yield self._event("response.output_item.added", output_index=place, item=dict(item))
        if piece.arguments:
            self._arguments[piece.index] += piece.arguments
            place = self._calls[piece.index]
            yield self._event(
                "response.function_call_arguments.delta",
                item_id=self.body["output"][place]["id"],
                output_index=place,
                delta=piece.arguments,
            )

    def _end(self, reason: FinishReason, usage: Usage) -> Iterator[Event]:
        whole = reason is not FinishReason.LENGTH
        status = "completed" if whole else "incomplete"
        if self._message is None and not self._calls:
            # An answer of no words is a message all the same.
            yield from self._say(GenerationEvent())
        for place, item in enumerate(self.body["output"]):
            item["status"] = status
            yield from self._end_message(item) if place == self._message else self._end_call(place, item)
        self.body |= {
            "status": status,
            "incomplete_details": None if whole else {"reason": "max_output_tokens"},
            "completed_at": int(time.time()) if whole else None,
            "usage": _usage(usage),
        }
        yield self._response(f"response.{status}")

    def _end_message(self, item: dict[str, Any]) -> Iterator[Event]:
        rated = logprob_bodies(self._rated)
        part = _part(self._text, rated)
        item["content"] = [part]
        yield self._event("response.output_text.done", **self._place(), text=self._text, logprobs=rated)
        yield self._event("response.content_part.done", **self._place(), part=part)
        yield self._event("response.output_item.done", output_index=self._message, item=item)

    def _end_call(self, place: int, item: dict[str, Any]) -> Iterator[Event]:
        index = next(index for index, each in self._calls.items() if each == place)
        item["arguments"] = self._arguments[index]
        yield self._event(
            "response.function_call_arguments.done",
            item_id=item["id"],
            output_index=place,
            name=item["name"],
            arguments=item["arguments"],
        )
        yield self._event("response.output_item.done", output_index=place, item=item)

    # -- events

    def _place(self) -> dict[str, Any]:
        assert self._message is not None
        item = self.body["output"][self._message]
        return {"item_id": item["id"], "output_index": self._message, "content_index": 0}

    def _response(self, kind: str) -> Event:
        return self._event(kind, response=dict(self.body))

    def _event(self, kind: str, **more: Any) -> Event:
        self._number += 1
        return {"type": kind, "sequence_number": self._number - 1, **more}


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex}"


def _part(text: str, rated: list[Any]) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": rated}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.total_tokens,
    }


def _body(name: str, asked: ResponsesRequest, model: str, status: str) -> dict[str, Any]:
    """A response of which nothing is made yet; what was asked comes back with it."""
    said = asked.model_dump(mode="json", by_alias=True, exclude_none=True)
    text = said.get("text", {})
    tools = [
        {"parameters": None, "strict": None, "description": None, **each} for each in said.get("tools", [])
    ]
    return {
        "id": name,
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": status,
        "background": asked.background is True,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": asked.metadata or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "store": asked.store is not False,
        "temperature": asked.temperature,
        "text": {"format": text.get("format", {"type": "text"})},
        "tool_choice": said.get("tool_choice", "auto"),
        "tools": tools,
        "top_logprobs": asked.top_logprobs or 0,
        "top_p": asked.top_p,
        "truncation": "disabled",
        "usage": None,
        "user": asked.user,
    }
