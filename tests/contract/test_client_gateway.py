"""What the client and the gateway must say alike, though neither may import the other."""

from hypercube.client import _channel as channel
from hypercube.client import _constants as const
from hypercube.client import _methods as methods
from hypercube.client.exceptions import CLASSES, KINDS
from hypercube.core.errors import ErrorKind
from hypercube.gateway.errors import GRPC
from hypercube.gateway.grpc import rpc, server, statuses
from hypercube.gateway.services import Limits


def test_the_same_metadata_keys() -> None:
    assert const.ERROR_TRAILER == statuses.ERROR_METADATA
    assert const.REQUEST_ID == rpc.REQUEST_ID


def test_the_same_limit_on_messages() -> None:
    assert Limits().max_message_bytes == const.MAX_MESSAGE_BYTES


def test_the_server_bears_the_clients_pings() -> None:
    options = dict(server._options(Limits(), share_port=False))
    assert options["grpc.http2.min_ping_interval_without_data_ms"] <= const.KEEPALIVE_TIME_S * 1000
    assert dict(channel.channel_options("box:1"))["grpc.keepalive_permit_without_calls"] == 1


def test_the_client_waits_at_least_as_long_as_the_server_works() -> None:
    assert Limits().chart_s <= const.DEFAULT_TIMEOUT_S
    assert Limits().chat_s <= const.DEFAULT_CHAT_TIMEOUT_S


def test_every_method_the_client_calls_is_served() -> None:
    for method in (value for value in vars(methods).values() if isinstance(value, methods.Method)):
        _, service, name = method.path.split("/")
        if service != "grpc.health.v1.Health":
            assert name in server.SERVICES[service], method.path


def test_without_its_trailer_an_error_stays_in_its_family() -> None:
    """A proxy may drop the trailer; the status alone then gives the class, or one of its parents or siblings."""
    astray = {kind for kind in ErrorKind if not issubclass(CLASSES[kind], CLASSES[KINDS[GRPC[kind]]])}
    # The statuses of these two stand for something else as well.
    assert astray == {ErrorKind.PAYLOAD_TOO_LARGE, ErrorKind.ENGINE_FAILED}
