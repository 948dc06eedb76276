"""The composition root: the one place that names concrete parts, and the order in which they live and die.

    settings -> batcher -> engines -> cubes -> gateway (HTTP, gRPC) -> sockets

Stopping goes the other way: refuse new work (503), let what is in flight finish within `server.drain_s`, close
the doors, stop the cubes, drain the batcher, unload the engines.
"""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

import grpc.aio
import uvicorn
from prometheus_client.metrics_core import Metric

from hypercube.app.access import make_access, open_link, require_somebody
from hypercube.app.beside_the_loop import work_beside
from hypercube.app.engines import Engines, OnModelStatus, SharedEngines, make_cluster, make_operator
from hypercube.app.freed_memory import freed_memory_returned
from hypercube.app.full_collections import calm_collections
from hypercube.app.idempotency import describe_answers, make_answers
from hypercube.app.listening import (
    HttpServer,
    bind_grpc,
    bind_grpc_socket,
    bind_http,
    bind_http_socket,
    check_listen_address,
    room_for,
    stop_http,
)
from hypercube.app.loop_first import put_loop_first
from hypercube.app.readings import make_reading_cube
from hypercube.app.thread_turns import short_turns
from hypercube.app.tls import load_tls
from hypercube.app.tls_renewal import RenewedTls
from hypercube.batching import Limits as BatchLimits
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Health
from hypercube.core.errors import HyperCubeError
from hypercube.core.saju_model import listed
from hypercube.core.served_models import EngineState
from hypercube.cubes.data.model_admin import ModelAdminCube
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.compatibility import CompatibilityCube
from hypercube.cubes.feature.embeddings import EmbeddingsCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.feature.saju_chat import SajuChatCube, SajuChatOptions
from hypercube.cubes.feature.tensors import TensorsCube
from hypercube.cubes.feature.tokenizer import TokenizerCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.access.audit import Audit
from hypercube.gateway.access.guarded_cubes import GuardedCubes
from hypercube.gateway.door_queue import DoorQueue
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.http import create_http_app
from hypercube.gateway.http.cors import with_cors
from hypercube.gateway.http.guarded_protocol import ConnectionLimits
from hypercube.gateway.http.shedding_protocol import shedding
from hypercube.gateway.idempotency.ledger import Ledger
from hypercube.gateway.open_calls import OpenCalls
from hypercube.gateway.recent_refusals import RecentRefusals
from hypercube.gateway.services import Cubes, GatewayServices, Limits, PartStatus, Readiness
from hypercube.gateway.shared_memory import SharedRegions
from hypercube.gateway.traffic import Traffic
from hypercube.kernels import compatibility, features, pillars, solar_offset
from hypercube.kernels.compile_cpu import keep_in
from hypercube.observability.logs import get_logger
from hypercube.observability.metrics import (
    Metrics,
    batcher_families,
    cube_families,
    model_families,
    shed_family,
)
from hypercube.settings import Settings

PROBE_TIMEOUT_S: Final = 1.0
"""A readiness probe that takes longer than this is a no."""
_CLOSE_S: Final = 2.0
"""What the transports get to close after the drain; with `drain_s` = 6 the whole exit stays under 10 s."""


class Application:
    """One process's worth of HyperCube."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_model_status: OnModelStatus | None = None,
        on_line: Callable[[str], None] | None = None,
        engines: SharedEngines | None = None,
        listener: socket.socket | None = None,
        ledger: Ledger | None = None,
        clock: Clock = monotonic,
    ) -> None:
        """Put the parts together; nothing runs yet.

        With `engines` the models are elsewhere, with a `listener` (for HTTP) other processes share the ports, and with
        a `ledger` they share what they answer to idempotency keys.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for settings that cannot work together.
        """
        check_listen_address(settings.server)
        tls = load_tls(settings.tls)
        self.tls = None if tls is None else RenewedTls(settings.tls, tls)
        self.settings = settings
        if settings.kernels.cache is not None:
            keep_in(settings.kernels.cache)
        self._max_connections = room_for(settings.server.max_connections)
        self.metrics = Metrics()
        self.traffic = Traffic()
        self.batchers = SajuBatchers(
            settings.kernels.backend,
            limits=BatchLimits(
                max_items=settings.batching.max_items,
                window_s=settings.batching.window_ms / 1e3,
                max_queued_items=settings.batching.max_queued_items,
                max_queued_cost=settings.batching.max_queued_rows,
                max_wait_s=settings.batching.max_wait_ms / 1e3,
            ),
            clock=clock,
        )
        if engines is None:
            cluster = make_cluster(settings, on_status=on_model_status, on_line=on_line, clock=clock)
            self.engines: Engines = cluster
            operator = make_operator(settings, cluster)
        else:
            self.engines = operator = engines
        self.redis = open_link(settings.access, clock)
        self.access = make_access(settings, clock, link=self.redis)
        self.answers = describe_answers(self.redis, ledger)
        """How far idempotency keys reach, for the banner."""
        self.cubes = CubeRegistry()
        guarded: Cubes = self.cubes if self.access is None else GuardedCubes(self.cubes, self.access)
        self.cubes.register(SajuCube(self.batchers))
        self.cubes.register(make_reading_cube(settings.reading, self.cubes, guarded, clock))
        self.cubes.register(CompatibilityCube(self.cubes, backend=settings.kernels.backend))
        self.cubes.register(ChatCube(self.engines))
        self.cubes.register(EmbeddingsCube(self.engines))
        self.cubes.register(TokenizerCube(self.engines))
        self.cubes.register(ModelsCube(self.engines, listed))
        self.cubes.register(SajuChatCube(self.cubes, SajuChatOptions(settings.chat.saju_model)))
        self.cubes.register(ModelAdminCube(operator))
        self.tensors = TensorsCube(backend=settings.kernels.backend, clock=clock)
        self.cubes.register(self.tensors)
        # A line for each door: who storms one of them has nobody refused at the other.
        self.door_queue = DoorQueue(settings.server.burst_wait_ms / 1e3, clock)
        self.services = GatewayServices(
            cubes=guarded,
            readiness=self.readiness,
            metrics_text=self.metrics.text,
            traffic=self.traffic,
            limits=Limits(
                max_body_bytes=settings.server.max_body_bytes,
                max_connections=self._max_connections,
                message_s=settings.server.message_timeout_s,
                chart_s=settings.server.chart_timeout_s,
                batch_s=settings.server.batch_timeout_s,
                chat_s=settings.server.chat_timeout_s,
            ),
            clock=clock,
            observe=self.metrics.request_finished,
            regions=SharedRegions(allowed=not settings.server.allow_remote),
            idempotent=make_answers(settings, self.redis, ledger, clock),
            access=self.access,
            audit=Audit(settings.access.audit_file),
            origins=settings.server.cors_origins,
            calls=OpenCalls(settings.server.max_calls),
            line=DoorQueue(settings.server.burst_wait_ms / 1e3, clock),
            full_queues=RecentRefusals(clock),
        )
        self.recent_refusals = RecentRefusals(clock)
        self.metrics.watch_in_flight(lambda: self.traffic.in_flight)
        self.metrics.add_source(self._families)
        self._warming: asyncio.Task[None] | None = None
        self._listener = listener
        self.http_server: HttpServer | None = None
        self.grpc_server: grpc.aio.Server | None = None
        self.http_port = 0
        self.grpc_port = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Application"]:
        """Serve while the block runs; drain and stop when it ends."""
        if self.access is not None:
            await require_somebody(self.access)
        server = self.settings.server
        listener = self._bind_http()
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._unbind_http, listener)
            loop = asyncio.get_running_loop()
            work_beside(loop)
            stack.enter_context(short_turns())
            stack.enter_context(calm_collections(loop, self._open))
            stack.enter_context(freed_memory_returned(loop, self._open))
            if self.services.audit is not None:
                stack.callback(self.services.audit.close)
            if self.redis is not None:
                stack.push_async_callback(self.redis.close)
            if self.access is not None:
                stack.push_async_callback(self.access.close)
            stack.push_async_callback(self.services.idempotent.close)
            if self.tls is not None:
                stack.callback(asyncio.create_task(self.tls.watch(), name="certificate").cancel)
            stack.push_async_callback(self.engines.close)
            stack.push_async_callback(self.batchers.close)
            await self.cubes.start_all()
            stack.push_async_callback(self.cubes.stop_all)

            shared = self._listener is not None
            grpc_server = self.grpc_server = create_grpc_server(self.services, share_port=shared)
            self._bind_grpc(grpc_server)  # gRPC removes its Unix socket itself
            await grpc_server.start()
            stack.push_async_callback(grpc_server.stop, _CLOSE_S / 2)

            http_server = self.http_server = HttpServer(
                uvicorn.Config(
                    with_cors(create_http_app(self.services), server.cors_origins),
                    http=shedding(
                        ConnectionLimits(
                            max_header_bytes=server.max_header_bytes,
                            max_headers=server.max_headers,
                            max_connections=self._max_connections,
                            header_s=server.header_timeout_s,
                            body_s=server.body_timeout_s,
                            read_s=server.read_timeout_s,
                        ),
                        self.traffic,
                        self.door_queue,
                        self.recent_refusals,
                    ),
                    log_config=None,
                    access_log=False,
                    lifespan="off",
                    server_header=False,
                    proxy_headers=False,
                    timeout_graceful_shutdown=int(_CLOSE_S),
                    **self._http_tls(),
                ),
                doorstep=True,
            )
            if self.tls is not None:
                self.tls.follow(http_server.config)
            http_task = asyncio.create_task(http_server.serve(sockets=[listener]), name="http")
            stack.push_async_callback(stop_http, http_server, http_task)
            await http_server.until_listening(http_task)
            self.engines.start()
            self._warming = asyncio.create_task(self._warm_up(), name="warm-up")
            stack.push_async_callback(asyncio.wait, [self._warming])
            try:
                yield self
            finally:
                await self._drain()

    def _open(self) -> int:
        """Connections of HTTP and calls of gRPC."""
        http = self.http_server
        return self.services.calls.open + (0 if http is None else http.connected)

    def _bind_http(self) -> socket.socket:
        server = self.settings.server
        if server.http_socket is not None:
            return bind_http_socket(server.http_socket)
        listener = self._listener or bind_http(server.host, server.http_port)
        self.http_port = listener.getsockname()[1]
        return listener

    def _unbind_http(self, listener: socket.socket) -> None:
        listener.close()
        if self.settings.server.http_socket is not None:
            self.settings.server.http_socket.unlink(missing_ok=True)

    def _http_tls(self) -> dict[str, Any]:
        ports = self.settings.server.http_socket is None
        return self.tls.uvicorn_options() if self.tls is not None and ports else {}

    def _bind_grpc(self, grpc_server: grpc.aio.Server) -> None:
        server = self.settings.server
        if server.grpc_socket is not None:
            bind_grpc_socket(grpc_server, server.grpc_socket)
            return
        credentials = None if self.tls is None else self.tls.grpc_credentials()
        shared = self._listener is not None
        self.grpc_port = bind_grpc(grpc_server, server.host, server.grpc_port, credentials, shared=shared)

    async def _warm_up(self) -> None:
        # Compiling the fast kernel takes half a second; until then charts run on the reference.
        await asyncio.to_thread(pillars.warm_up, self.settings.kernels.backend)
        await self.readiness()
        for kernel in (solar_offset, features, compatibility):
            await asyncio.to_thread(kernel.warm_up)
        put_loop_first()  # by now gRPC's threads have their names
        # What is here now stays to the end. A full garbage collection that walks it all (Numba alone brings
        # several hundred thousand objects) stops every request for some 90 ms, so it is told not to.
        gc.collect()
        gc.freeze()

    async def warmed_up(self) -> None:
        """Wait until the kernels run at full speed; charts are served before that."""
        if self._warming is not None:
            await asyncio.shield(self._warming)

    async def _drain(self) -> None:
        self.traffic.drain()
        if not await self.traffic.wait_idle(self.settings.server.drain_s):
            get_logger(__name__).warning("drain timed out", still_in_flight=self.traffic.in_flight)

    async def readiness(self) -> Readiness:
        """Look at each part for real: a chart through the batcher, the model's own probe."""
        parts = {"charts": await self._charts_ready()}
        for model in self.engines.models():
            parts[f"model:{model.name}"] = PartStatus(model.accepting, model.status.reason)
        # What the operator took out of memory says so, and keeps nobody else away.
        return Readiness(parts["charts"].ready and self.engines.ready, parts)

    async def _charts_ready(self) -> PartStatus:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                status = await self.cubes.get("saju").health_check()
        except TimeoutError:
            return PartStatus(False, f"a chart took longer than {PROBE_TIMEOUT_S:g} s")
        except HyperCubeError as error:
            return PartStatus(False, str(error))
        return PartStatus(
            status.health is Health.HEALTHY, status.reason or "a chart was computed and is right"
        )

    def _families(self) -> Iterable[Metric]:
        in_line = self.door_queue.refused + self.services.line.refused
        by_queue = self.recent_refusals.refused + self.services.full_queues.refused
        yield shed_family({"line": in_line, "queue": by_queue})
        yield from batcher_families(
            {
                "births": self.batchers.births.snapshot(),
                "pillars": self.batchers.rows.snapshot(),
                **self.tensors.snapshots(),
            }
        )
        yield from cube_families({cube.metadata.name: cube.metrics() for cube in self.cubes.all()})
        yield from model_families(
            {model.name: model.status.state is EngineState.READY for model in self.engines.models()}
        )
