"""Random charts for the tests of readings."""

import random

from hypercube.core.chart import BirthInput, Chart, Include, Sex
from hypercube.saju import charts

AS_OF = "2026-11-27"


def random_charts(count: int, seed: int) -> list[Chart]:
    """Charts of 1920 to 2022, one in seven without an hour."""
    rng = random.Random(seed)
    births = []
    for _ in range(count):
        birth = f"{rng.randint(1920, 2022)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
        if rng.random() < 6 / 7:
            birth += f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"
        sex = rng.choice([Sex.MALE, Sex.FEMALE])
        births.append(BirthInput(birth, sex, zone="Asia/Seoul", fold=0, include=tuple(Include), as_of=AS_OF))
    found = []
    for result in charts(births):
        assert result.chart is not None, result.error
        found.append(result.chart)
    return found
