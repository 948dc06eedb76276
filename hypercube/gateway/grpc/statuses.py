"""A failure as the end of a call: its status, its words, and the whole of it in the trailing metadata.

hypercube-error-bin       hypercube.v1.Error, everything that there is to say
grpc-status-details-bin   google.rpc.Status with a RetryInfo, for clients that know no error of ours
"""

from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration

from hypercube.core.errors import Failure
from hypercube.gateway.errors import GRPC
from hypercube.gateway.request_id import REQUEST_ID
from hypercube.wire.convert import error_to_proto

Context = grpc.aio.ServicerContext[Any, Any]
ERROR_METADATA: Final = "hypercube-error-bin"
DETAILS_METADATA: Final = "grpc-status-details-bin"
_METADATA_BYTES: Final = 4096
_DETAILS_CHARACTERS: Final = 400
"""gRPC allows 8 KiB of metadata in all, and a Korean character takes nine bytes of a status message."""
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"


End = tuple[grpc.StatusCode, str, tuple[tuple[str, str | bytes], ...]]
"""Status, words, and trailing metadata but for the request's id."""


_latest: tuple[Failure, End] | None = None
"""What was told last."""


async def abort(context: Context, request_id: str, failure: Failure) -> NoReturn:
    """End the call."""
    code, words, told = end_of(failure)
    await context.abort(code, words, ((REQUEST_ID, request_id), *told))


def end_of(failure: Failure) -> End:
    """What a client is told of a failure; of one that is told again and again it is made once."""
    global _latest
    latest = _latest
    if latest is None or latest[0] is not failure:
        latest = _latest = failure, _end_of(failure)
    return latest[1]


def _end_of(failure: Failure) -> End:
    words = f"{failure.message} {failure.fix}" if failure.fix else failure.message
    words = words[:_DETAILS_CHARACTERS]
    told: tuple[tuple[str, str | bytes], ...] = ((ERROR_METADATA, _packed(failure)),)
    if failure.retry_after_s is not None:
        told += ((DETAILS_METADATA, retry_info(GRPC[failure.kind], words, failure.retry_after_s)),)
    return GRPC[failure.kind], words, told


def retry_info(code: grpc.StatusCode, words: str, seconds: float) -> bytes:
    """google.rpc.Status (1 code, 2 message, 3 details) with a google.rpc.RetryInfo (1 retry_delay) in it."""
    delay = Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    value = delay.SerializeToString()
    info = AnyMessage(type_url=_RETRY_INFO, value=_field(1, value)).SerializeToString()
    said = words[: _DETAILS_CHARACTERS // 4].encode("utf-8", "replace")
    return bytes([1 << 3, code.value[0]]) + _field(2, said) + _field(3, info)


def _field(number: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def _packed(failure: Failure) -> bytes:
    """The failure serialised, without its extras, then with short words, if it would not fit."""
    message = error_to_proto(failure)
    if message.ByteSize() > _METADATA_BYTES:
        message.details_json = ""
    if message.ByteSize() > _METADATA_BYTES:
        for field in ("message", "fix", "param", "value"):
            setattr(message, field, getattr(message, field)[: _METADATA_BYTES // 16])
    return message.SerializeToString()
