"""A small OpenAI-compatible HTTP server that misbehaves on command."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-very-secret"
Answer = Callable[["Exchange"], Coroutine[Any, Any, None]]


@dataclass
class Exchange:
    """One request as the server sees it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reply(self, status: int, body: object = None, **headers: str) -> None:
        data = json.dumps(body if body is not None else {}).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)

    def begin_stream(self) -> None:
        self.writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")

    def chunk(self, chunk: object) -> None:
        self.writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def piece(self, text: str) -> None:
        self.chunk({"choices": [{"delta": {"content": text}}]})

    def end_stream(self) -> None:
        self.chunk({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        self.chunk({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
        self.writer.write(b"data: [DONE]\n\n")


async def well(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.piece("안녕")
    exchange.piece("하세요")
    exchange.end_stream()


def status(code: int, message: str = "no", **headers: str) -> Answer:
    async def answer(exchange: Exchange) -> None:
        exchange.reply(code, {"error": {"message": message, "type": "x"}}, **headers)

    return answer


async def reset(exchange: Exchange) -> None:
    exchange.writer.transport.abort()


async def silence(exchange: Exchange) -> None:
    await exchange.reader.read()


async def half(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.piece("half")
    await exchange.writer.drain()
    await asyncio.sleep(0.05)
    exchange.writer.transport.abort()


async def no_end(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.piece("half")


async def gibberish(exchange: Exchange) -> None:
    exchange.begin_stream()
    exchange.writer.write(b"data: <html>\n\n")


@dataclass
class Upstream:
    """The server: `answers` in order, then `always`."""

    always: Answer = well
    answers: list[Answer] = field(default_factory=list)
    models: Answer | None = None
    chats: list[Exchange] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
            exchange = Exchange(first.split()[1], headers, body, reader, writer)
            if exchange.path == "/v1/models":
                answer = self.models or _listing("tiny", "other")
            else:
                self.chats.append(exchange)
                answer = self.answers.pop(0) if self.answers else self.always
            await answer(exchange)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.closed.set()


def _listing(*names: str) -> Answer:
    async def answer(exchange: Exchange) -> None:
        exchange.reply(200, {"data": [{"id": name} for name in names]})

    return answer


@asynccontextmanager
async def listening(upstream: Upstream, port: int = 0) -> AsyncIterator[Upstream]:
    server = await asyncio.start_server(upstream.respond, "127.0.0.1", port)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
