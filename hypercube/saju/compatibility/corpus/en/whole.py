"""Spouse stars, elements, strength, and what to make of it."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

STARS: Final[Table] = {
    "wealth": (
        "Seen from {viewer}'s day master, {owner}'s {letters}: a sense for the real and the shared household is the "
        "charm here.",
    ),
    "officers": (
        "Seen from {viewer}'s day master, {owner}'s {letters}: a sense of duty is something to lean on.",
    ),
    "both": (
        "Seen from {viewer}'s day master, {owner}'s {letters}: the joy of a household and a firm sense of duty come "
        "together.",
    ),
    "mutual": (
        "Each brings the other what tradition calls a spouse star, so the interest does not stay on one side.",
    ),
    "none": (
        "Neither brings the other what tradition calls a spouse star, so friendship and shared aims come "
        "before romance.",
    ),
}

GOD: Final[Table] = {
    "indirect_wealth": ("indirect wealth",),
    "direct_wealth": ("direct wealth",),
    "indirect_officer": ("seven killings",),
    "direct_officer": ("direct officer",),
}

BRINGS: Final[Table] = {
    "wood": (
        "{who} has no visible {e}, while {other} has {n} {e} {letters}: beginnings can be borrowed there.",
    ),
    "fire": (
        "{who} has no visible {e}, while {other} has {n} {e} {letters}: warmth and open words can be borrowed there.",
    ),
    "earth": (
        "{who} has no visible {e}, while {other} has {n} {e} {letters}: a steady ground can be borrowed there.",
    ),
    "metal": (
        "{who} has no visible {e}, while {other} has {n} {e} {letters}: the gift of deciding can be borrowed there.",
    ),
    "water": (
        "{who} has no visible {e}, while {other} has {n} {e} {letters}: rest and reflection can be borrowed there.",
    ),
}

NEITHER: Final[Table] = {
    "wood": ("Both people have no visible {e}: grow something together, if only a plant in a pot.",),
    "fire": ("Both people have no visible {e}: say thanks and greetings a little louder.",),
    "earth": ("Both people have no visible {e}: keep meals and a place of your own.",),
    "metal": ("Both people have no visible {e}: write promises and money down.",),
    "water": ("Both people have no visible {e}: put an evening of nothing into the calendar first.",),
}

EXCESS: Final[Table] = {
    "wood": (
        "{who} already has {n} {e} letters, and {other} adds {m} {e} {letters}: begin fewer things at once.",
    ),
    "fire": (
        "{who} already has {n} {e} letters, and {other} adds {m} {e} {letters}: on high days sleep before deciding.",
    ),
    "earth": (
        "{who} already has {n} {e} letters, and {other} adds {m} {e} {letters}: plan outings away from the familiar.",
    ),
    "metal": (
        "{who} already has {n} {e} letters, and {other} adds {m} {e} {letters}: a joke now and then beats an argument.",
    ),
    "water": (
        "{who} already has {n} {e} letters, and {other} adds {m} {e} {letters}: move before thought grows too deep.",
    ),
}

EXCESS_BOTH: Final[Table] = {
    "wood": (
        "{who} has {n} {e} letters and {other} has {m} {e} {letters}, much on both sides: "
        "begin fewer things at once.",
    ),
    "fire": (
        "{who} has {n} {e} letters and {other} has {m} {e} {letters}, much on both sides: "
        "on high days sleep before deciding.",
    ),
    "earth": (
        "{who} has {n} {e} letters and {other} has {m} {e} {letters}, much on both sides: "
        "plan outings away from the familiar.",
    ),
    "metal": (
        "{who} has {n} {e} letters and {other} has {m} {e} {letters}, much on both sides: "
        "a joke now and then beats an argument.",
    ),
    "water": (
        "{who} has {n} {e} letters and {other} has {m} {e} {letters}, much on both sides: "
        "move before thought grows too deep.",
    ),
}

FULL: Final[Table] = {
    "all": (
        "{who} lacks none of the five elements among the visible letters: enjoy together rather than fill up.",
    ),
}

STRENGTH: Final[Table] = {
    "strong.strong": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: share out the "
        "parts, and the force doubles.",
    ),
    "strong.weak": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: let the first "
        "keep step and the second add finesse.",
    ),
    "strong.balanced": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: one pushes, "
        "the other steers.",
    ),
    "weak.strong": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: let the "
        "second lead and ask the first beforehand.",
    ),
    "weak.weak": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: places to "
        "rest carry further than bold plans.",
    ),
    "weak.balanced": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: an even step "
        "is something to lean on.",
    ),
    "balanced.strong": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: drive on one "
        "side, polish on the other.",
    ),
    "balanced.weak": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: one holds the "
        "middle, the other lends it grain.",
    ),
    "balanced.balanced": (
        "By place-points the first person has a {s1} day master and the second person a {s2} day master: decide "
        "together and without haste.",
    ),
}

GOOD: Final[Table] = {
    "day_stem_relation": (
        "The greatest asset is the pull between the two selves: say aloud, now and then, what began it.",
    ),
    "day_stem_element": (
        "The greatest asset is that the two selves understand each other: do not put off what is to be said.",
    ),
    "year_branch": ("The greatest asset is a common root: look after each other's family and old friends.",),
    "month_branch": ("The greatest asset is a common beat: go over the plans together once a month.",),
    "day_branch": (
        "The greatest asset is rest in one another's company: keep one small habit for the two of you.",
    ),
    "hour_branch": ("The greatest asset is a shared view ahead: write a list of places to see.",),
    "spouse_star": (
        "The greatest asset is that each is a partner in the other's eyes: keep a habit from the first days.",
    ),
    "element_complement": (
        "The greatest asset is that a gap is filled: hand over what the other does better, and give thanks.",
    ),
    "none": (
        "The asset here is less in the letters than in time spent together: begin with small promises kept.",
    ),
}

CARE: Final[Table] = {
    "day_stem_relation": (
        "There are days when the two wills stand opposed: choose words that pause over words that win.",
    ),
    "day_stem_element": ("One side easily leads: take turns with the small decisions.",),
    "year_branch": ("The ways of the families may differ: set your own rules for feasts and visits first.",),
    "month_branch": ("The busy times may differ: on tired evenings put off what matters.",),
    "day_branch": ("The closer, the more friction there may be: keep a corner and an hour for each alone.",),
    "hour_branch": (
        "The views of the years ahead may differ: take distant plans out often and redraw them.",
    ),
    "element_complement": ("What is plentiful may pile up: let new people and new work bring some air.",),
    "none": ("Nothing much stands in the way: do not take the ease for granted, and that is enough.",),
}

CLOSE: Final[Table] = {
    "all": (
        "The sum of {score} points is a scale by classical rules; how the two of you will live is not settled by it.",
        "All parts together make {score} points: a ruler for comparing, no substitute for the time you build.",
        "The parts add up to {score} points; read which of them made it so rather than how high it is.",
    ),
}
