"""The reading cube as the settings want it."""

from hypercube.core.clock import Clock
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.reading import ReadingWriter
from hypercube.cubes.feature.reading import ModelWriting, ReadingCube
from hypercube.gateway.services import Cubes
from hypercube.saju.composing import PROMOTED
from hypercube.settings import ReadingSettings


def make_reading_cube(settings: ReadingSettings, cubes: Cubes, guarded: Cubes, clock: Clock) -> ReadingCube:
    """The cube; its models are asked through `guarded`, so that a caller's scopes and quotas hold for them.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a prompt that there is not.
    """
    how = ModelWriting(settings.prompt or PROMOTED, settings.model, settings.section_s, settings.attempts)
    try:
        return ReadingCube(cubes, models=guarded, writer=ReadingWriter(settings.writer), how=how, clock=clock)
    except HyperCubeError as error:
        raise invalid(error.message, param="reading.prompt", value=settings.prompt, fix=error.fix) from error
