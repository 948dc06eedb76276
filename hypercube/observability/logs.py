"""Logs: one line an event, readable on a terminal and JSON elsewhere, never a request's content."""

import logging
import sys
from typing import Any

import structlog


def configure_logging(level: str = "info", *, json_lines: bool | None = None) -> None:
    """Send structlog and the standard library's loggers to stderr.

    Args:
        level: debug, info, warning or error.
        json_lines: JSON or human form; None chooses JSON unless stderr is a terminal.
    """
    as_json = not sys.stderr.isatty() if json_lines is None else json_lines
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer]
        if as_json
        else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # The gateway keeps its own request metrics; a line a request would only cost.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # gRPC logs metadata that is no UTF-8 as it came, a key that was sent with a slip included.
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_not_a_clients)
    # A line for each client that speaks something else; it is answered, and there can be many.
    logging.getLogger("uvicorn.error").addFilter(_is_not_a_clients)
    # Without a level of its own it takes itself to be traced, and words a line as each connection comes and goes.
    logging.getLogger("uvicorn.error").setLevel(level.upper())


def _is_not_a_clients(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(("Invalid encoding on ", "Invalid HTTP request received."))


def get_logger(name: str) -> Any:
    """A structured logger: `log.info("engine ready", model=name)`."""
    return structlog.get_logger(name)
