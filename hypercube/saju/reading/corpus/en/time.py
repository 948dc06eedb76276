"""Luck pillars, this year and month, advice."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table, a

LUCK_START: Final[Table] = {
    "forward": (
        "The luck pillars run forward; counted in rounded years the first, {pillar}, begins at age {age}.",
    ),
    "backward": (
        "The luck pillars run backward; counted in rounded years the first, {pillar}, begins at age {age}.",
    ),
    "forward.other": ("The luck pillars run forward; the first, {pillar}, begins at about age {age}.",),
    "backward.other": ("The luck pillars run backward; the first, {pillar}, begins at about age {age}.",),
    "forward.about": (
        "Whatever the hour, it starts at about age {age}; the luck pillars run forward from {pillar}.",
    ),
    "backward.about": (
        "Whatever the hour, it starts at about age {age}; the luck pillars run backward from {pillar}.",
    ),
    "forward.range": (
        "Without the hour it starts between age {age} and age {until}; the luck pillars run forward from {pillar}.",
    ),
    "backward.range": (
        "Without the hour it starts between age {age} and age {until}; the luck pillars run backward from {pillar}.",
    ),
}

LUCK_UNKNOWN: Final[Table] = {
    "sex": ("The direction of the luck pillars depends on sex; with it all ten can be read.",),
    "part": ("Luck pillars were not asked for in this reading.",),
}

LUCK_NOW: Final[Table] = {
    "now": ("You are in the {pillar} luck pillar, which began in {from}.",),
    "range": ("Whatever the hour, you are in the {pillar} luck pillar now.",),
    "before": ("The first luck pillar has not begun, so the month pillar itself is your season.",),
}

_TEN_YEARS: Final = {
    "peer": ("peer", "finding your own voice and standing on your feet"),
    "rival": ("rob wealth", "nerve that grows in contest, with fair sharing to mind"),
    "eating_god": ("eating god", "ease, and skills that unfold"),
    "hurting_officer": ("hurting officer", "leaving the frame to make something new"),
    "indirect_wealth": ("indirect wealth", "a wider range and passing chances"),
    "direct_wealth": ("direct wealth", "firm ground and an ordered household"),
    "indirect_officer": ("seven killings", "heavy shoulders that grow strong"),
    "direct_officer": ("direct officer", "a clear place and name"),
    "indirect_resource": ("indirect resource", "asking the way again and studying deep"),
    "direct_resource": ("direct resource", "learning and helping hands"),
}
LUCK_STEM: Final[Table] = {
    key: (f"Its stem is {a(god)}: ten years of {means}.",) for key, (god, means) in _TEN_YEARS.items()
}
LUCK_BRANCH: Final[Table] = {
    key: (f"Its branch is {a(god)}, and underneath lies {means}.",)
    for key, (god, means) in _TEN_YEARS.items()
}
LUCK_EACH: Final[Table] = {
    key: (f"From age {{age}} the {{pillar}} luck pillar brings {a(god)}: {means}.",)
    for key, (god, means) in _TEN_YEARS.items()
}
LUCK_NEXT: Final[Table] = {
    "peers": ("At age {age}, in {from}, it changes to the {pillar} luck pillar, a season of peers.",),
    "output": ("At age {age}, in {from}, it changes to the {pillar} luck pillar, a season of output stars.",),
    "wealth": ("At age {age}, in {from}, it changes to the {pillar} luck pillar, a season of wealth stars.",),
    "officers": (
        "At age {age}, in {from}, it changes to the {pillar} luck pillar, a season of officer stars.",
    ),
    "resource": (
        "At age {age}, in {from}, it changes to the {pillar} luck pillar, a season of resource stars.",
    ),
}

LUCK_USEFUL: Final[Table] = {
    "yes": ("It holds {element}, useful by the balance school, so this is read as an easier stretch.",),
    "no": ("It holds no element that the balance school calls for: better for foundations than for speed.",),
}

PASSING: Final[Table] = {
    kind: (
        f"Between {{who}} and {{b}} there is {a(name)}: {means}.",
        f"{{b}} meets {{who}} in {a(name)}: {means}.",
    )
    for kind, name, means in (
        ("stem_combination", "stem combination", "a welcome proposal may come"),
        ("stem_clash", "stem clash", "an occasion to change your mind"),
        ("six_combination", "six combination", "affection deepens"),
        ("half_triad", "half triad", "joint work gains force"),
        ("arched_triad", "arched half triad", "a piece you waited for may fit"),
        ("half_direction", "directional pair", "more people take your side"),
        ("clash", "clash", "a move or a new role may come up"),
        ("punishment", "punishment", "read contracts and procedures with care"),
        ("mutual_punishment", "mutual punishment", "soften your words with those near"),
        ("self_punishment", "self punishment", "do not drive yourself too hard"),
        ("break", "break", "a plan may want rewriting once"),
        ("harm", "harm", "speak first, so that nothing is misunderstood"),
        ("resentment", "resentment", "let a hurt sleep a night before you speak"),
        ("ghost_gate", "ghost gate", "put keen intuition into writing or pictures"),
    )
} | {
    "triad": ("With {who} a triad is complete: many hands gather.",),
    "direction": ("With {who} a directional trio is complete: one direction gains force.",),
    "triple_punishment": (
        "With {who} a triple punishment is complete: the larger the matter, the more principle helps.",
    ),
}

YEAR_NOW: Final[Table] = {"all": ("As of {date} this year's pillar is {pillar}.",)}
YEAR_STEM: Final[Table] = {
    key: (f"The year's stem is {a(god)}: a year of {means}.",) for key, (god, means) in _TEN_YEARS.items()
}
YEAR_BRANCH: Final[Table] = {
    key: (f"The year's branch is {a(god)}, so daily life is coloured by {means}.",)
    for key, (god, means) in _TEN_YEARS.items()
}
MONTH_NOW: Final[Table] = {
    key: (f"This month's pillar is {{pillar}}, and its stem is {a(god)}: a month of {means}.",)
    for key, (god, means) in _TEN_YEARS.items()
}

USEFUL: Final[Table] = {
    "wood": ("By the balance school the first useful element is Wood: plant, learn and begin.",),
    "fire": ("By the balance school the first useful element is Fire: seek light, laughter and people.",),
    "earth": ("By the balance school the first useful element is Earth: keep a steady day and your word.",),
    "metal": ("By the balance school the first useful element is Metal: sort out, decide and finish.",),
    "water": ("By the balance school the first useful element is Water: rest, read and watch the flow.",),
}
USEFUL_NONE: Final[Table] = {
    "all": ("By the balance school no element needs adding: keep the rhythm you have.",),
}
CLIMATE: Final[Table] = {
    "visible": (
        "The climate school of 窮通寶鑑 looks first for {stem}, which is visible here and tempers the season.",
    ),
    "hidden": (
        "The climate school of 窮通寶鑑 looks first for {stem}, which lies in a hidden stem until it is needed.",
    ),
    "absent": (
        "The climate school of 窮通寶鑑 looks first for {stem}, absent here, so add its quality in daily life.",
    ),
}
ADVICE: Final[Table] = {
    "peers_excess": ("Fold your will in half and ask one more opinion; the road widens.",),
    "resource_excess": ("Do not wait until thought is ripe; a small trial teaches best.",),
    "output_excess": ("Make finishing your homework: gather your gifts into one bowl.",),
    "wealth_excess": ("Fewer tasks and more companions carry the same strength further.",),
    "officers_excess": ("You need not meet every expectation; resting is a duty, too.",),
    "balanced": ("Trust what you have in even measure, and compare less.",),
}
CLOSING: Final[Table] = {
    "all": (
        "A chart is a map for knowing yourself, and the one who walks chooses the way.",
        "Only the grain is given; what is made of it is yours.",
        "To know the time to act and the time to rest makes the heart lighter.",
        "Take along the one line that stays with you; that is enough.",
    ),
}
