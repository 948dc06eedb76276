"""`saju`: the name under which chat about charts is served beside the models.

It is no model but a cube (`saju-chat`): it reads births from a conversation, computes charts, and answers from them;
ordinary questions it hands to the model behind it.
"""

from collections.abc import Sequence
from typing import Final

from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel

SAJU_MODEL: Final = "saju"
ENGINE: Final = "saju-chat"
_PUBLISHED: Final = 1_795_737_600
"""POSIX seconds of 2026-11-27."""
_WINDOW: Final = 4_096
"""Tokens that an answer is reckoned with where no model stands behind it."""


def listed(models: Sequence[ServedModel]) -> tuple[ServedModel, ...]:
    """The served models with `saju` behind them; a model of that name keeps it.

    It answers whatever state the others are in: only ordinary questions need one of them.
    """
    if any(each.name == SAJU_MODEL for each in models):
        return tuple(models)
    behind = next((each for each in models if Capability.GENERATE in each.capabilities), None)
    reason = "charts and their reading by rule; ordinary questions go to " + (
        behind.name if behind is not None else "nobody, since no chat model is served"
    )
    saju = ServedModel(
        name=SAJU_MODEL,
        engine=ENGINE,
        context_length=_WINDOW if behind is None else behind.context_length,
        licence="Apache-2.0",
        created=_PUBLISHED,
        status=EngineStatus(EngineState.READY, reason),
        capabilities=(Capability.GENERATE, Capability.TOOLS, Capability.TOOL_CHOICE),
    )
    return (*models, saju)
