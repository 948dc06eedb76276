"""An object store as a source: `s3://bucket/key`, through obstore, configured as every S3 client is (`AWS_*`)."""

import importlib
import os
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.partial import CHUNK
from hypercube.model_registry.sources import UrlFile
from hypercube.model_registry.transfer import SourceFailedError, Transfer

_RETRIES: Final = 2


def fetch_from_s3(source: UrlFile, transfer: Transfer) -> None:
    """Append the rest of the object to `transfer.partial`.

    Credentials, region and endpoint come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION, AWS_ENDPOINT_URL, AWS_ALLOW_HTTP.

    Raises:
        SourceFailedError: refused, unreachable, silent, or another size than declared.
        TransferCancelledError: the caller has gone.
        HyperCubeError: FAILED_PRECONDITION without obstore.
    """
    try:
        obstore = importlib.import_module("obstore")
        s3_store = importlib.import_module("obstore.store").S3Store
        base_error = importlib.import_module("obstore.exceptions").BaseError
    except ModuleNotFoundError:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Fetching {source.shown} needs obstore, which is not installed here.",
            fix='Install it: pip install "heal7-hypercube[s3]"; or give a presigned https:// address.',
        ) from None
    parts = urlsplit(source.url)
    partial, size = transfer.partial, transfer.file.size
    if partial.position == size:
        return
    silence = timedelta(seconds=transfer.silence_s)
    try:
        bucket = s3_store(
            parts.netloc,
            # Options given here replace those of the environment, all of them.
            client_options={
                "connect_timeout": silence,
                "timeout": silence,
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in {"1", "true"},
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": silence},
        )
        # The smallest range first: another size than declared is refused before a byte is kept.
        found = obstore.head(bucket, unquote(parts.path[1:]))
        if found["size"] != size:
            raise SourceFailedError(f"{source.shown} has {found['size']} bytes, the manifest declares {size}")
        _append(obstore, bucket, unquote(parts.path[1:]), transfer)
    except (base_error, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # our own disk
        raise SourceFailedError(f"{source.shown} failed: {_first_line(error)}") from error


def _append(obstore: Any, bucket: Any, key: str, transfer: Transfer) -> None:
    partial, size = transfer.partial, transfer.file.size
    while partial.position < size:
        transfer.check()
        # A range each: what is silent for too long is noticed, and what arrived is kept.
        end = min(size, partial.position + 8 * CHUNK)
        partial.write(bytes(obstore.get_range(bucket, key, start=partial.position, end=end)))
        transfer.meter.at(partial.position)


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
