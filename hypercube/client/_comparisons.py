"""A comparison as a caller typed it, as the message that travels."""

from typing import Final

from hypercube.client._births import birth_message, birth_messages, member
from hypercube.client._requests import own_errors
from hypercube.client.exceptions import invalid
from hypercube.core.compatibility import CompatibilityLength
from hypercube.core.reading import ReadingLanguage
from hypercube.wire.convert.fields import put
from hypercube.wire.convert.records import number_of
from hypercube.wire.v1 import reading_pb2

_LIST_FIX: Final = "Write others=[birth], or give one birth as second."


def compatibility_request(
    first: object,
    second: object,
    *,
    others: object,
    top: object,
    explain: object,
    language: object,
    length: object,
) -> reading_pb2.CompatibilityRequest:
    """The message of one person and another, or a list; what is None is left to the server.

    Raises:
        InvalidArgument: both or neither of `second` and `others`, or what cannot travel, naming the field.
    """
    if (second is None) is (others is None):
        raise invalid(
            "second and others are both given." if others is not None else "There is nobody to compare with.",
            param="second",
            fix="Give second for one pair, or others for a list.",
        )
    message = reading_pb2.CompatibilityRequest(first=birth_message("first", first))
    if second is not None:
        message.second.CopyFrom(birth_message("second", second))
    else:
        message.others.extend(birth_messages("others", others, "compatibility", _LIST_FIX))
    with own_errors():
        put(message, "top", top)
        put(message, "explain", explain)
        if language is not None:
            message.options.language = number_of(member("language", language, ReadingLanguage))
        if length is not None:
            message.options.length = number_of(member("length", length, CompatibilityLength))
    return message
