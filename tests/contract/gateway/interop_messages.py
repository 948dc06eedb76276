"""gRPC's published interop messages (grpc/testing: empty.proto, messages.proto), the fields that the cases use.

Built here from their shapes, in a pool of their own: no package on the index has them.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {"bytes": _Field.TYPE_BYTES, "int32": _Field.TYPE_INT32, "string": _Field.TYPE_STRING}
_SHAPES: Final[dict[str, dict[str, tuple[int, str, bool]]]] = {
    "Empty": {},
    "Payload": {"type": (1, "int32", False), "body": (2, "bytes", False)},
    "EchoStatus": {"code": (1, "int32", False), "message": (2, "string", False)},
    "SimpleRequest": {
        "response_type": (1, "int32", False),
        "response_size": (2, "int32", False),
        "payload": (3, "Payload", False),
        "response_status": (7, "EchoStatus", False),
    },
    "SimpleResponse": {"payload": (1, "Payload", False)},
    "ResponseParameters": {"size": (1, "int32", False), "interval_us": (2, "int32", False)},
    "StreamingOutputCallRequest": {
        "response_type": (1, "int32", False),
        "response_parameters": (2, "ResponseParameters", True),
        "payload": (3, "Payload", False),
        "response_status": (7, "EchoStatus", False),
    },
    "StreamingOutputCallResponse": {"payload": (1, "Payload", False)},
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="interop.proto", package="grpc.testing", syntax="proto3")
    for name, fields in _SHAPES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, many) in fields.items():
            label = _Field.LABEL_REPEATED if many else _Field.LABEL_OPTIONAL
            made = message.field.add(name=field, number=number, label=label)
            if kind in _TYPES:
                made.type = _TYPES[kind]
            else:
                made.type, made.type_name = _Field.TYPE_MESSAGE, f".grpc.testing.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"grpc.testing.{name}"))
        for name in _SHAPES
    }


CLASSES: Final = _classes()
Empty: Final = CLASSES["Empty"]
Payload: Final = CLASSES["Payload"]
EchoStatus: Final = CLASSES["EchoStatus"]
SimpleRequest: Final = CLASSES["SimpleRequest"]
SimpleResponse: Final = CLASSES["SimpleResponse"]
ResponseParameters: Final = CLASSES["ResponseParameters"]
StreamingOutputCallRequest: Final = CLASSES["StreamingOutputCallRequest"]
StreamingOutputCallResponse: Final = CLASSES["StreamingOutputCallResponse"]
