"""Lets administrators change what is served: asks who they are, writes down what they did."""

from typing import Any, ClassVar, Final

from hypercube.core.cube import Call, Color, Cube, CubeMetadata
from hypercube.core.errors import HyperCubeError
from hypercube.core.model_admin import ModelCommand, ModelOperator, ModelOutcome
from hypercube.core.principal import Role
from hypercube.observability.logs import get_logger

_TOLD: Final = ("model", "alias", "version", "subject", "adapter", "reference", "dry_run", "keep")


class ModelAdminCube(Cube):
    """`ModelCommand` in, `ModelOutcome` out; every door leads here, so this is where a command is allowed."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="model-admin",
        version="1.0.0",
        color=Color.YELLOW,
        summary="Loads, routes, verifies and removes models; for administrators",
        request_model=ModelCommand,
        response_model=ModelOutcome,
        capabilities=("models.admin",),
    )

    def __init__(self, operator: ModelOperator) -> None:
        super().__init__()
        self._operator = operator

    async def process(self, request: ModelCommand, call: Call) -> ModelOutcome:
        """Do it, if the caller may.

        Raises:
            HyperCubeError: PERMISSION_DENIED; as `ModelOperator.operate`.
        """
        outcome = "failed"
        try:
            call.require(Role.ADMIN)
            done = await self._operator.operate(request, call.principal.name)
            outcome = "ok"
        except HyperCubeError as error:
            outcome = error.kind.value
            raise
        finally:
            _audit(request, call, outcome)
        return done


def _audit(command: ModelCommand, call: Call, outcome: str) -> None:
    """One line a command. Nothing in a command is a secret; names are all that it shows of the caller."""
    blank = ModelCommand(command.action)
    told: dict[str, Any] = {
        name: getattr(command, name)
        for name in _TOLD
        if getattr(command, name) != getattr(blank, name) or name == "model"
    }
    if command.weights:
        told["weights"] = dict(command.weights)
    if command.bounds is not None:
        told["bounds"] = command.bounds.plain()
    # A warning, so that it is seen at the default level: somebody changed what everybody is served.
    log = (
        get_logger("hypercube.audit").warning
        if command.action.changes
        else get_logger("hypercube.audit").info
    )
    log(
        "model administration",
        action=command.action.value,
        who=call.principal.name,
        request_id=call.request_id,
        outcome=outcome,
        **told,
    )
