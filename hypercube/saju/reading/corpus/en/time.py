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

_PAIRS: Final[Table] = {
    kind: (
        f"Between {{who}} and {{b}} there is {a(name)}: {means}.",
        f"{{b}} meets {{who}} in {a(name)}: {other}.",
    )
    for kind, name, means, other in (
        ("stem_combination", "stem combination", "a welcome proposal may come", "you find it easy to agree"),
        ("stem_clash", "stem clash", "an occasion to change your mind", "a fixed idea gets a second look"),
        ("six_combination", "six combination", "affection deepens", "an old tie grows warm again"),
        ("half_triad", "half triad", "joint work gains force", "somebody lends a hand"),
        (
            "arched_triad",
            "arched half triad",
            "a piece you waited for may fit",
            "without haste the gap may fill",
        ),
        (
            "half_direction",
            "directional pair",
            "more people take your side",
            "a small circle lends you strength",
        ),
        ("clash", "clash", "a move or a new role may come up", "leave room for things to be moved about"),
        (
            "punishment",
            "punishment",
            "read contracts and procedures with care",
            "put even small promises in writing",
        ),
        (
            "mutual_punishment",
            "mutual punishment",
            "soften your words with those near",
            "one step back settles more than two forward",
        ),
        (
            "self_punishment",
            "self punishment",
            "do not drive yourself too hard",
            "good enough will do this time",
        ),
        ("break", "break", "a plan may want rewriting once", "leave some slack in the schedule"),
        ("harm", "harm", "speak first, so that nothing is misunderstood", "say plainly what you miss"),
        (
            "resentment",
            "resentment",
            "let a hurt sleep a night before you speak",
            "a little distance makes it easier to meet again",
        ),
        (
            "ghost_gate",
            "ghost gate",
            "put keen intuition into writing or pictures",
            "write down what comes to you at night",
        ),
    )
}
PASSING: Final[Table] = {
    **_PAIRS,
    "triad": (
        "With {who} a triad is complete: many hands gather.",
        "{who} completes a triad: work shared goes further.",
    ),
    "direction": (
        "With {who} a directional trio is complete: one direction gains force.",
        "{who} completes a directional trio: choose one aim and keep to it.",
    ),
    "triple_punishment": (
        "With {who} a triple punishment is complete: the larger the matter, the more principle helps.",
        "{who} completes a triple punishment: go by the rules, and ask early for advice.",
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
    "peers_excess": (
        "Fold your will in half and ask one more opinion; the road widens.",
        "Lend some of your strength to others, and it comes back wider.",
        "Let one thing a week be done in somebody else's way.",
    ),
    "resource_excess": (
        "Do not wait until thought is ripe; a small trial teaches best.",
        "Put half of what you know to use before you learn more.",
        "Close the book now and then, and try one small thing today.",
    ),
    "output_excess": (
        "Make finishing your homework: gather your gifts into one bowl.",
        "Before a new start, put a full stop behind something begun.",
        "Guard your rest as you guard your ideas.",
    ),
    "wealth_excess": (
        "Fewer tasks and more companions carry the same strength further.",
        "Choose what to leave undone first; what remains gets lighter.",
        "Count what is in your hands before you reach for more.",
    ),
    "officers_excess": (
        "You need not meet every expectation; resting is a duty, too.",
        "Write down which burdens are not yours, and set one of them down.",
        "Allow yourself one hour a day that no rule has a say in.",
    ),
    "balanced": (
        "Trust what you have in even measure, and compare less.",
        "Keep your own pace; evenness is a gift that shows late.",
        "Choose one thing to deepen, since nothing presses you.",
    ),
}
CLOSING: Final[Table] = {
    "all": (
        "A chart is a map for knowing yourself, and the one who walks chooses the way.",
        "Only the grain is given; what is made of it is yours.",
        "To know the time to act and the time to rest makes the heart lighter.",
        "Take along the one line that stays with you; that is enough.",
    ),
}
