"""Numbers the client goes by, each said once."""

from typing import Final

DEFAULT_TARGET: Final = "127.0.0.1:50051"
"""Where `make run` listens for gRPC."""

DEFAULT_TIMEOUT_S: Final = 30.0
"""Deadline of a call that computes or lists, retries and pauses included."""
DEFAULT_CHAT_TIMEOUT_S: Final = 600.0
"""Deadline of a whole chat answer: a model on a small CPU writes about 20 tokens a second."""
DEFAULT_CONVERSATION_TIMEOUT_S: Final = 3600.0
"""Deadline of a conversation of many turns, and the longest that a server with its own defaults allows."""
DEFAULT_EMBED_TIMEOUT_S: Final = 60.0
"""Deadline of texts that become vectors."""
DEFAULT_READY_TIMEOUT_S: Final = 30.0
"""How long `ready` waits."""
MAX_TIMEOUT_S: Final = 1e8
"""Three years. gRPC takes much larger numbers for a deadline in the past, so they are refused here."""

DEFAULT_MAX_RETRIES: Final = 2
"""Attempts after the first."""
RETRY_BASE_S: Final = 0.25
"""Pause before the first retry, before jitter; doubles with each."""
MAX_RETRY_DELAY_S: Final = 8.0
"""Longest pause that the client chooses by itself."""
MAX_RETRY_AFTER_S: Final = 30.0
"""Longest pause that a server can ask for; above it the error is raised at once, with `retry_after_s`."""
READY_PAUSE_S: Final = 0.2
"""Pause before `ready` looks again after a broken connection."""

BUDGET_TOKENS: Final = 10.0
"""Retry budget, by gRFC A6 (client retries): a failure costs one token ..."""
BUDGET_RETURN: Final = 0.1
"""... a success gives a tenth back, and with half of the tokens gone nothing is retried: a server in trouble
gets at most one retry for ten successes."""

MAX_MESSAGE_BYTES: Final = 100 * 1024 * 1024
"""Largest message, each way; the server's limit is the same."""
KEEPALIVE_TIME_S: Final = 10
"""Pause between keep-alive pings, also while no call is open ..."""
KEEPALIVE_TIMEOUT_S: Final = 5
"""... and how long an answer to one may take before the connection counts as dead."""
RECONNECT_S: Final = 0.1
"""First pause between two connection attempts; shorter than the first retry, or that would find no news."""
MAX_RECONNECT_S: Final = 5.0
"""Longest pause between two connection attempts."""

ERROR_TRAILER: Final = "hypercube-error-bin"
"""Trailing metadata key under which a failed call carries a serialised `hypercube.v1.Error`."""
REQUEST_ID: Final = "x-request-id"
"""Metadata key that ties a call to the server's log; the same for every attempt of one call."""
IDEMPOTENCY_KEY: Final = "idempotency-key"
"""Metadata key that is the same for every attempt of one call which is costly or may have effects."""
SERVER_TIMING: Final = "server-timing"
"""Trailing metadata key under which an answered call says where its time went."""
