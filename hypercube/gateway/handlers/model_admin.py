"""What administrators do with the models: every door makes a command of what it was asked, and reads one outcome."""

from typing import TypeVar

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import ModelCommand, ModelOutcome
from hypercube.core.principal import Role
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import MODEL_ADMIN, GatewayServices

T = TypeVar("T")


async def operate(services: GatewayServices, command: ModelCommand, call: Call) -> ModelOutcome:
    """Do it, on behalf of the caller, who must be an administrator.

    Raises:
        HyperCubeError: PERMISSION_DENIED; as `ModelOperator.operate`; DEADLINE_EXCEEDED (a load then goes on).
    """
    call.require(Role.ADMIN)
    async with within(call, services.clock):
        outcome: ModelOutcome = await services.cubes.process(MODEL_ADMIN, command, call)
    return outcome


def given(part: T | None) -> T:
    """The part of an outcome that its command must have.

    Raises:
        HyperCubeError: INTERNAL when the operator left it out.
    """
    if part is None:
        raise HyperCubeError(
            ErrorKind.INTERNAL, "The command was carried out, but says nothing of what it did."
        )
    return part
