"""A process with doors: HTTP and gRPC on ports that it shares with its neighbours, charts, and a link to the models."""

import asyncio
import contextlib
import os
import socket
from dataclasses import replace

from hypercube.app.access import describe
from hypercube.app.application import Application
from hypercube.app.workers.control import Control
from hypercube.app.workers.engine_link import EngineLink
from hypercube.app.workers.metrics_pages import EVERY_S, MetricsPages
from hypercube.app.workers.neighbours import Neighbours
from hypercube.app.workers.retiring import retire
from hypercube.app.workers.shared_answers import LinkedLedger
from hypercube.app.workers.task import Task
from hypercube.kernels.pillars import explain


async def serve_front(control: Control, task: Task) -> None:
    """Serve until the supervisor says stop, or retire."""
    server = task.settings.server.model_copy(
        update={"http_port": task.http_port, "grpc_port": task.grpc_port}
    )
    settings = task.settings.model_copy(update={"server": server})
    link = EngineLink(task.engine_path)
    listener = socket.socket(fileno=os.dup(task.listeners[task.worker]))
    listener.setblocking(False)
    application = Application(settings, engines=link, listener=listener, ledger=LinkedLedger(link))
    pages = MetricsPages(task.folder, task.worker, application.metrics.text)
    application.services = replace(application.services, metrics_text=pages.page)
    async with application.running():
        await application.warmed_up()
        await link.known()
        choice = explain(1, settings.kernels.backend)
        keys = await describe(application.access)
        facts = {
            "charts": f"{choice.name}: {choice.reason}",
            "keys": keys,
            "answers": application.answers,
        }
        control.tell("ready", facts)
        writing = asyncio.create_task(_write(pages), name="metrics")
        http, rpc = application.http_server, application.grpc_server
        assert http is not None
        assert rpc is not None
        limit_s = await _until_it_ends(control, Neighbours(http, task.listeners))
        writing.cancel()
        if limit_s is not None:
            await retire(http, rpc, application.traffic, limit_s)
        else:
            application.traffic.drain()
            await application.traffic.wait_idle(server.drain_s)
            control.tell("idle")
            # As long as a neighbour has work, whoever comes here is told so, and not left waiting.
            while (await control.order())[0] != "end":
                pass
    with contextlib.suppress(asyncio.CancelledError):
        await writing


async def _until_it_ends(control: Control, neighbours: Neighbours) -> float | None:
    """Follow orders until the last: the seconds for a retirement, or None for an end with all the others."""
    while True:
        name, *rest = await control.order()
        if name == "adopt":
            await neighbours.adopt(rest[0])
        elif name == "return":
            neighbours.give_back(rest[0])
        else:
            limit_s: float | None = rest[0] if name == "retire" else None
            return limit_s


async def _write(pages: MetricsPages) -> None:
    while True:
        pages.write()
        await asyncio.sleep(EVERY_S)
