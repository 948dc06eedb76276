"""`Facts`: the facts of many charts as arrays of small codes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import invalid, nearest, shown
from hypercube.saju.facts.schools import Schools
from hypercube.saju.facts.sinsal import BIT, VOID_BY_DAY, VOID_BY_YEAR
from hypercube.saju.facts.symbols import STEM_ELEMENT

if TYPE_CHECKING:
    Codes = NDArray[np.uint8]

_STEM_ELEMENT = np.array([STEM_ELEMENT[i % 10] for i in range(60)], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """The facts of N charts. Position axis: year, month, day, hour. 255 = none, or the hour is not known.

    The arrays may be views of common memory, and are not contiguous; do not write to them.
    """

    pillars: "Codes"
    """[N, 4] sexagenary indices, as given."""
    schools: Schools
    """What the answer rests on; `schools.choices()` has the versions."""
    stem_gods: "Codes"
    """[N, 4] codes of `TEN_GODS`; 10 (`DAY_MASTER`) at the day stem."""
    branch_gods: "Codes"
    """[N, 4] codes of `TEN_GODS`, by the main hidden stem."""
    hidden_stems: "Codes"
    """[N, 4, 3] stems 0..9: 여기, 중기, 본기 (Korean set) or main, middle, residual (Chinese)."""
    hidden_gods: "Codes"
    """[N, 4, 3] codes of `TEN_GODS` of these."""
    stages: "Codes"
    """[N, 4] codes of `LIFE_STAGES`: the day stem in each branch (봉법)."""
    own_stages: "Codes"
    """[N, 4] codes of `LIFE_STAGES`: each stem in its own branch (거법)."""
    nayin: "Codes"
    """[N, 4] codes of `NAYIN`."""
    void_day: "Codes"
    """[N, 2] the void branches 0..11 of the day pillar."""
    void_year: "Codes"
    """[N, 2] those of the year pillar."""
    flags: NDArray[np.uint64]
    """[N, 4] flag words, see `sinsal`: bit k is the sinsal `RULES[k]`."""
    twelve_by_year: "Codes"
    """[N, 4] codes of `TWELVE_SINSAL` by the year branch."""
    twelve_by_day: "Codes"
    """[N, 4] the same by the day branch."""
    pair_relations: NDArray[np.uint16]
    """[N, 6] bits of `PAIR_RULES` for the pairs of `PAIRS` (year-month, year-day, … day-hour)."""
    groups: NDArray[np.uint16]
    """[N] bits of `GROUP_RULES`."""
    element_counts: "Codes"
    """[N, 5] of stems and branches: wood, fire, earth, metal, water."""
    hidden_counts: "Codes"
    """[N, 5] of hidden stems."""
    polarity: "Codes"
    """[N, 2] yang and yin of stems and branches, by index (子 and 午 yang)."""
    group_weights: NDArray[np.uint16]
    """[N, 5] weights in thirtieths of a point: 비겁, 식상, 재성, 관성, 인성."""
    support: "Codes"
    """[N, 4] points for the day stem: all, 득령, 득지, 득세 (of 110, or 85 without an hour)."""
    strength: "Codes"
    """[N] codes of `LEVELS`."""
    roots: "Codes"
    """[N] bit p: the branch at position p holds the day stem's element."""
    structure: "Codes"
    """[N] codes of `STRUCTURES`."""
    structure_stem: "Codes"
    """[N] the hidden stem 0..9 that gives it."""
    structure_exposed: "Codes"
    """[N] 1 if that stem is exposed, else 0."""
    balance_gods: "Codes"
    """[N, 2] elements 0..4 in order of choice (억부용신)."""
    balance_reason: "Codes"
    """[N] codes of `REMEDIES`."""
    climate_gods: "Codes"
    """[N, 5] stems 0..9 in order of choice (조후용신)."""

    def __len__(self) -> int:
        return len(self.pillars)

    def sinsal(self, key: str) -> NDArray[np.bool_]:
        """[N, 4] where one sinsal falls.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a key that is not in `RULES`.
        """
        if key not in BIT:
            close = nearest(str(key), BIT)
            raise invalid(
                f"There is no sinsal {shown(key)!r}.",
                param="key",
                value=shown(key),
                fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(BIT)}.",
            )
        return self._bit(BIT[key])

    def void_by_day(self) -> NDArray[np.bool_]:
        """[N, 4] whether the branch is void by the day pillar."""
        return self._bit(VOID_BY_DAY)

    def void_by_year(self) -> NDArray[np.bool_]:
        """[N, 4] whether the branch is void by the year pillar."""
        return self._bit(VOID_BY_YEAR)

    def element_weights(self) -> NDArray[np.uint16]:
        """[N, 5] weights in thirtieths of a point: wood, fire, earth, metal, water."""
        own = _STEM_ELEMENT[self.pillars[:, 2]].astype(np.intp)
        groups = (np.arange(5) - own[:, None]) % 5
        return np.take_along_axis(self.group_weights, groups, axis=1)

    def _bit(self, bit: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.flags & np.uint64(1 << bit)) != 0
        return found
