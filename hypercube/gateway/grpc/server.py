"""The gRPC server: every service, health, reflection, and the limits they share."""

from typing import Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from hypercube.gateway.grpc import chat, cubes, embeddings, inference, models, reading, saju
from hypercube.gateway.grpc.health import HealthServicer
from hypercube.gateway.grpc.methods import Methods
from hypercube.gateway.grpc.rpc import handlers
from hypercube.gateway.grpc.threads import patient_threads
from hypercube.gateway.services import GatewayServices

SERVICES: Final[dict[str, Methods]] = {
    "hypercube.v1.Saju": saju.METHODS,
    "hypercube.v1.Reading": reading.METHODS,
    "hypercube.v1.Chat": chat.METHODS,
    "hypercube.v1.Embeddings": embeddings.METHODS,
    "hypercube.v1.Models": models.METHODS,
    "hypercube.v1.Cubes": cubes.METHODS,
    inference.SERVICE: inference.METHODS,
}
KEEPALIVE_MS: Final = 10_000
KEEPALIVE_TIMEOUT_MS: Final = 5_000
METADATA_BYTES: Final = 16 << 10
HANDSHAKE_MS: Final = 10_000


def create_grpc_server(
    services: GatewayServices, *, health_period_s: float = 1.0, share_port: bool = False
) -> grpc.aio.Server:
    """A server of these services; the caller adds a port, starts it and stops it.

    With `share_port` the kernel shares connections out among all that listen there.
    Must be called inside the event loop that will run it.
    """
    with patient_threads():
        server = grpc.aio.server(options=_options(services.limits.max_message_bytes, share_port))
    for name, methods in SERVICES.items():
        made = handlers(services, name, methods)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, made),))
    by_name = _ByName(server)
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(services, health_period_s), by_name)
    names = (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
        reflection.aio.ReflectionServicer(names),  # type: ignore[attr-defined]
        by_name,
    )
    return server


class _ByName:
    """A server as generated code sees it, that looks up every method by its name.

    Generated code would register its methods besides, and for each of those the server keeps a future of its own
    that it waits for anew with every call to any method.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, methods: object) -> None:
        """The generic handlers do."""


def _options(max_message_bytes: int, share_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
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
    ]
