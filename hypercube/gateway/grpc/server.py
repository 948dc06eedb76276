"""The gRPC server: every service, health, reflection, and the limits they share."""

from typing import Final

import grpc
import grpc.aio

from hypercube.gateway.grpc import chat, cubes, embeddings, inference, models, reading, saju
from hypercube.gateway.grpc.health import HealthServicer
from hypercube.gateway.grpc.methods import Methods
from hypercube.gateway.grpc.newcomers import fair_newcomers
from hypercube.gateway.grpc.rpc import handlers
from hypercube.gateway.grpc.standard import HEALTH, REFLECTION, health_handlers, reflection_handlers
from hypercube.gateway.grpc.threads import patient_threads
from hypercube.gateway.grpc.wakeups import gathered_wakeups
from hypercube.gateway.services import GatewayServices, Limits

SERVICES: Final[dict[str, Methods]] = {
    "hypercube.v1.Saju": saju.METHODS,
    "hypercube.v1.Reading": reading.METHODS,
    "hypercube.v1.Chat": chat.METHODS,
    "hypercube.v1.Embeddings": embeddings.METHODS,
    "hypercube.v1.Models": models.METHODS,
    "hypercube.v1.Cubes": cubes.METHODS,
    inference.SERVICE: inference.METHODS,
}
_ALWAYS_OPEN: Final = ("Check", "Watch")
"""Of gRPC's health."""
KEEPALIVE_MS: Final = 10_000
KEEPALIVE_TIMEOUT_MS: Final = 5_000
METADATA_BYTES: Final = 16 << 10
HANDSHAKE_MS: Final = 10_000
CALLS_A_CONNECTION: Final = 1_000
WAITING_CALLS: Final = 10_000
"""Calls that came and were not taken up yet, those that were reset meanwhile among them. From gRPC's own default of
1,000 on it drops newcomers at random, with CANCELLED: one connection that opens and resets 2,000 calls was enough to
lose other people's. A call that waits was measured to take up to 15 KiB."""


def create_grpc_server(
    services: GatewayServices, *, health_period_s: float = 1.0, share_port: bool = False
) -> grpc.aio.Server:
    """A server of these services; the caller adds a port, starts it and stops it.

    With `share_port` the kernel shares connections out among all that listen there.
    Must be called inside the event loop that will run it.
    """
    with patient_threads(), gathered_wakeups(), fair_newcomers(services.line, services.acquainted):
        server = grpc.aio.server(options=_options(services.limits, share_port))
    made = {name: handlers(services, name, methods) for name, methods in SERVICES.items()}
    made[HEALTH] = health_handlers(services, HealthServicer(services, health_period_s))
    made[REFLECTION] = reflection_handlers(services, (*SERVICES, HEALTH, REFLECTION))
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in made.items())
    )
    # By name, so that those who watch the server are never in line.
    watched = {name: made[HEALTH][name] for name in _ALWAYS_OPEN}
    server.add_registered_method_handlers(HEALTH, watched)  # type: ignore[attr-defined]
    return server


def _options(limits: Limits, share_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients ping as often as we do; without this the third such ping is answered with "too many pings".
        ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.so_reuseport", int(share_port)),
        # Between a soft and a hard limit gRPC refuses at random; a token of a provider may take 8 KiB.
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        # Who connects and says nothing is let go; gRPC's own default is two minutes.
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.max_allowed_incoming_connections", limits.max_connections),
        # One client alone must not take every place; it waits for the end of a call before its next one.
        ("grpc.max_concurrent_streams", CALLS_A_CONNECTION),
        ("grpc.server.max_pending_requests", WAITING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", 2 * WAITING_CALLS),
    ]
