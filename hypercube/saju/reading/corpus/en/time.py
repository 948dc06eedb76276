"""Luck pillars, this year and month, advice."""

from typing import Final

from hypercube.saju.reading.corpus.en.gods import by_god
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
        "With the hour left open it starts at about age {age}; the luck pillars run forward from {pillar}.",
    ),
    "backward.about": (
        "With the hour left open it starts at about age {age}; the luck pillars run backward from {pillar}.",
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
    "range": ("With the hour left open, you are in the {pillar} luck pillar now.",),
    "before": ("The first luck pillar has not begun, so the month pillar itself is your season.",),
}

LUCK_STEM: Final[Table] = by_god(
    "Its stem is [star]: ten years of [means].",
    "finding your own voice and standing on your own feet",
    "growing bolder through competition, with fair shares to agree on",
    "ease, and of skills that unfold",
    "stepping outside the frame to make something new",
    "a wider range, with chances that come and go",
    "firmer ground and an ordered household",
    "a heavier load that makes you stronger",
    "a clearer position and a good name",
    "rethinking your direction and studying in depth",
    "learning, with helping hands around you",
)
LUCK_BRANCH: Final[Table] = by_god(
    "Its branch is [star]; in everyday life [means].",
    "you want to manage by yourself",
    "more is earned and spent together with others",
    "there is more room to breathe",
    "the wish for freedom stirs",
    "there is more coming and going",
    "a settled household matters more",
    "patience is what you practise",
    "order and duty find their place",
    "there is more time to think",
    "care and calm lie underneath",
)
LUCK_EACH: Final[Table] = by_god(
    "From age {age} the {pillar} luck pillar brings [star]: [means].",
    "a walk beside like-minded people",
    "the will to win wakes up",
    "life tastes good",
    "talent comes into the open",
    "the stage widens",
    "the household prospers by care",
    "a time of training",
    "you come into your place",
    "depth is added",
    "learning bears fruit",
)
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
        f"Between {{who}} and {{b}} there is {a(name)}: {first}.",
        f"{{b}} meets {{who}} in {a(name)}: {first}.",
        f"Between {{who}} and {{b}} there is {a(name)}: {second}.",
        f"{{b}} meets {{who}} in {a(name)}: {second}.",
    )
    for kind, name, first, second in (
        (
            "stem_combination",
            "stem combination",
            "a welcome proposal may come",
            "a hand is easily joined to yours",
        ),
        (
            "stem_clash",
            "stem clash",
            "an occasion to change your mind",
            "look at the matter from the other side",
        ),
        ("six_combination", "six combination", "affection deepens", "those near you are easy to lean on"),
        ("half_triad", "half triad", "joint work gains force", "shared work grows lighter"),
        (
            "arched_triad",
            "arched half triad",
            "a piece you waited for may fit",
            "with patience the gap fills",
        ),
        (
            "half_direction",
            "directional pair",
            "more people take your side",
            "you feel at ease among your own",
        ),
        ("clash", "clash", "a move or a new role may come up", "leave time for what has to be rearranged"),
        (
            "punishment",
            "punishment",
            "read contracts and procedures with care",
            "settle things in order, not in haste",
        ),
        ("mutual_punishment", "mutual punishment", "soften your words with those near", "step back first"),
        (
            "self_punishment",
            "self punishment",
            "do not drive yourself too hard",
            "be as kind to yourself as to others",
        ),
        ("break", "break", "a plan may want rewriting once", "leave some slack in the schedule"),
        ("harm", "harm", "speak first, so that nothing is misunderstood", "say plainly what you hope for"),
        (
            "resentment",
            "resentment",
            "let a hurt sleep a night before you speak",
            "a short distance does good",
        ),
        (
            "ghost_gate",
            "ghost gate",
            "put keen intuition into writing or pictures",
            "note down what comes to mind",
        ),
    )
} | {
    "triad": ("With {who} a triad is complete: many hands gather.",),
    "direction": ("With {who} a directional trio is complete: one direction gains force.",),
    "triple_punishment": (
        "With {who} a triple punishment is complete: the larger the matter, the more principle helps.",
    ),
}

YEAR_NOW: Final[Table] = {"all": ("As of {date} this year's pillar is {pillar}.",)}
YEAR_STEM: Final[Table] = by_god(
    "The year's stem is [star]: [means].",
    "a year to carry things by your own strength",
    "a year of many people, in which spending grows easily",
    "a year in which learning, making and eating are a pleasure",
    "a year of new ideas and much to say",
    "a year of unexpected offers and outings",
    "a year in which steady work comes to a conclusion",
    "a year of many tasks, and of skill that grows with them",
    "a year in which trust is earned in your post",
    "a year to think alone and adjust your course",
    "a year in which learning and help come together",
)
YEAR_BRANCH: Final[Table] = by_god(
    "The year's branch is [star], so in daily life [means].",
    "you set the pace again",
    "shared costs are best talked over beforehand",
    "a little ease seeps in",
    "you would like to mend what feels too tight",
    "there are more roads and more faces",
    "the house asks for your hand",
    "building up stamina is worth while",
    "things fall into a regular order",
    "you look for a quiet place",
    "there is someone to lean on",
)
MONTH_NOW: Final[Table] = by_god(
    "This month's pillar is {pillar}, and its stem is [star]: [means].",
    "go at your own pace",
    "count your promises and your expenses",
    "what you are doing comes easily to hand",
    "a good month to put thoughts into writing",
    "meeting people does you good",
    "a good month to settle accounts",
    "take the urgent things one by one",
    "official matters run smoothly",
    "time alone to sort things out is medicine",
    "ask for advice, and you will get an answer",
)

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
    "peers_excess": ("Give up half of your stubbornness and ask one more opinion; the road widens.",),
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
