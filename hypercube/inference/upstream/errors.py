"""What a failed call to an upstream server means: for the caller, for the breaker, and for a second try."""

import email.utils
import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hypercube.core.errors import ErrorKind, HyperCubeError, shown
from hypercube.inference.chat_chunks import refusal
from hypercube.inference.upstream.breaker import Outcome

if TYPE_CHECKING:
    import httpx


class UpstreamError(HyperCubeError):
    """A failure with what follows from it.

    Attributes:
        outcome: what it says about the server.
        again: whether a second try, before a first byte went out, could succeed.
        asked_s: seconds that the server asked us to wait, or None.
    """

    outcome: Outcome
    again: bool
    asked_s: float | None

    @classmethod
    def made(
        cls, error: HyperCubeError, outcome: Outcome, *, again: bool, asked_s: float | None = None
    ) -> "UpstreamError":
        """`error`, and what follows."""
        failure = error.failure()
        failed = cls(
            failure.kind,
            failure.message,
            param=failure.param,
            value=failure.value,
            fix=failure.fix,
            details=failure.details or {},
            retry_after_s=failure.retry_after_s,
        )
        failed.outcome, failed.again, failed.asked_s = outcome, again, asked_s
        return failed


def unavailable(host: str, what: str, retry_after_s: float | None = None) -> HyperCubeError:
    """Nothing of an answer came from the upstream server `host`."""
    return HyperCubeError(
        ErrorKind.UNAVAILABLE,
        f"The upstream server {host} {what}.",
        fix="Try again later, or look at that server.",
        retry_after_s=1.0 if retry_after_s is None else retry_after_s,
    )


def no_answer(host: str, error: "httpx.RequestError") -> UpstreamError:
    """No connection, no answer in time, one that broke before a first byte, or one that cannot be unpacked."""
    import httpx

    what = "could not be reached"
    if isinstance(error, httpx.TimeoutException):
        what = "did not answer in time"
    elif isinstance(error, httpx.DecodingError):
        what = "gave an answer that cannot be unpacked"
    name = type(error).__name__
    return UpstreamError.made(unavailable(host, f"{what} ({name})"), Outcome.FAILURE, again=True)


def broke_off(host: str, what: str) -> UpstreamError:
    """An answer that had begun and did not end well: nobody can begin it again."""
    error = HyperCubeError(
        ErrorKind.ENGINE_FAILED,
        f"The upstream server {host} broke off in the middle of the answer: {what}.",
        fix="Send the request again.",
        retry_after_s=1.0,
    )
    return UpstreamError.made(error, Outcome.FAILURE, again=False)


def refused(host: str, response: "httpx.Response", body: bytes) -> UpstreamError:
    """An answer other than 200. Only 5xx speaks against the server; a second try is for 429 and 5xx."""
    status = response.status_code
    wait_s = retry_after_s(response.headers.get("retry-after"))
    if status == 429:
        error = HyperCubeError(
            ErrorKind.OVERLOADED,
            f"The upstream server {host} takes no more requests now (HTTP 429).",
            fix="Try again later, or send fewer requests.",
            retry_after_s=1.0 if wait_s is None else wait_s,
        )
        return UpstreamError.made(error, Outcome.SUCCESS, again=True, asked_s=wait_s)
    if status >= 500:
        error = unavailable(host, f"answered HTTP {status}{_said(body)}", wait_s)
        return UpstreamError.made(error, Outcome.FAILURE, again=True, asked_s=wait_s)
    if status in {400, 413, 422}:
        error = _too_long(body) or refusal(status, body)
        if error.kind is ErrorKind.ENGINE_FAILED:  # a 4xx without OpenAI's error object
            error = HyperCubeError(
                ErrorKind.INVALID_ARGUMENT,
                f"The upstream server {host} refused the request (HTTP {status}).",
                fix="Change the request, then send it again.",
            )
        return UpstreamError.made(error, Outcome.SUCCESS, again=False)
    return UpstreamError.made(_misconfigured(host, response, body), Outcome.SUCCESS, again=False)


def _misconfigured(host: str, response: "httpx.Response", body: bytes) -> HyperCubeError:
    """An answer that the operator has to look at, not the caller."""
    status = response.status_code
    said = _said(body)
    if status in {401, 403}:
        said = ""  # some servers repeat a part of the key
        fix = "Set upstream.api_key to a key that this server takes."
    elif 300 <= status < 400:
        fix = "Redirects are not followed: set upstream.url to the address that it names."
    else:
        fix = "Check upstream.url and upstream.model."
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The upstream server {host} answered HTTP {status}{said}.",
        fix=fix,
    )


def _too_long(body: bytes) -> HyperCubeError | None:
    """OpenAI's refusal of a prompt that does not fit, with its own sentence; the counts are not in it."""
    try:
        error = json.loads(body)["error"]
        if error["code"] != "context_length_exceeded":
            return None
        return HyperCubeError(
            ErrorKind.CONTEXT_LENGTH_EXCEEDED,
            str(error["message"]),
            param="messages",
            fix="Shorten the messages.",
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _said(body: bytes) -> str:
    """The server's own sentence, in brackets, where it has the form of OpenAI's errors."""
    try:
        message = json.loads(body)["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f" ({str(shown(str(message))).rstrip('.')})" if message else ""


def retry_after_s(header: str | None) -> float | None:
    """Seconds of a `Retry-After` header, given as a number or as a date (RFC 9110, 10.2.3); None without sense."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(header)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
