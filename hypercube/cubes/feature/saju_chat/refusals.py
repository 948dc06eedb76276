"""What a request for `saju` may not ask, and why: a typed error in place of a field that does nothing."""

from hypercube.core.engine import GenerationRequest
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.saju_model import SAJU_MODEL
from hypercube.inference.request_check import check_request


def refuse(request: GenerationRequest) -> None:
    """Return if `saju` can answer a request as it asks.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the field as OpenAI calls it.
    """
    check_request(request)
    if request.prompt is not None:
        raise _cannot("prompt", "continues no plain text", "Send messages to /v1/chat/completions.")
    if not any(each.role == "user" for each in request.messages):
        raise _cannot(
            "messages", "answers a user's turn, and there is none", 'Send one with the role "user".'
        )
    if request.json_schema is not None:
        raise _cannot("response_format", "answers in sentences", "Leave response_format out.")
    if request.logprobs is not None:
        raise _cannot(
            "logprobs", "has no log-probabilities: its sentences are not drawn", "Leave logprobs out."
        )
    if request.sampling.logit_bias:
        raise _cannot("logit_bias", "has no vocabulary of its own", "Leave logit_bias out.")
    if request.adapter:
        raise _cannot("adapter", "takes no adapter", "Name an adapter beside the model that it belongs to.")


def _cannot(param: str, what: str, fix: str) -> HyperCubeError:
    return invalid(f"The model {SAJU_MODEL!r} {what}.", param=param, fix=fix)
