"""The three verdicts on a claim."""

from typing import Final

from hypercube.saju.grounding.claims import Claim

TRUE: Final = "true"
FALSE: Final = "false"
OPEN: Final = "open"
Verdict = tuple[str, str]
"""The verdict, and for a false one what the chart has."""
UNDECIDED: Final = (OPEN, "")


def decided(right: bool, expected: str) -> Verdict:
    """True, or false with what the chart has."""
    return (TRUE, "") if right else (FALSE, expected)


def unless(claim: Claim, right: bool, expected: str) -> Verdict:
    """As `decided`, the other way round where the text denies it."""
    return decided(right is not claim.negated, f"not {expected}" if right else expected)
