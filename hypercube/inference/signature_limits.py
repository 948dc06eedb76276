"""A request held to the limits that the signature of a version's manifest states."""

from dataclasses import replace

from hypercube.core.engine import GenerationRequest, TokenizeRequest
from hypercube.core.errors import invalid
from hypercube.inference.engine import Engine, ShowsTokens
from hypercube.model_registry.manifest import ModelManifest


async def within_limits(
    manifest: ModelManifest, engine: Engine, request: GenerationRequest
) -> GenerationRequest:
    """`request`, with the most tokens that the signature allows where it names no limit itself.

    The prompt is counted where the engine shows its tokens; elsewhere the context window is its only limit.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with both figures.
    """
    signature = manifest.signature
    if signature is None:
        return request
    limits = signature.limits
    prompt = await _prompt_tokens(engine, request) if limits.input_tokens is not None else 0
    signature.check_tokens(prompt, request.max_tokens or 0)
    if request.max_tokens is None and limits.output_tokens is not None:
        return replace(request, max_tokens=limits.output_tokens)
    return request


def check_batch(manifest: ModelManifest, count: int, param: str) -> None:
    """Refuse more texts in one request than the signature allows: INVALID_ARGUMENT with both figures."""
    limit = manifest.signature.limits.batch if manifest.signature is not None else None
    if limit is not None and count > limit:
        raise invalid(
            f"{param} has {count} texts; this model's manifest allows {limit}.",
            param=param,
            value=count,
            fix=f"Send at most {limit} at a time.",
        )


async def _prompt_tokens(engine: Engine, request: GenerationRequest) -> int:
    if isinstance(request.prompt, tuple):
        return len(request.prompt)
    if not isinstance(engine, ShowsTokens):
        return 0
    asked = (
        TokenizeRequest(messages=request.messages)
        if request.prompt is None
        else TokenizeRequest(text=request.prompt)
    )
    return len((await engine.tokenize(asked)).tokens)
