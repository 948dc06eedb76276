"""Who meets whom: the day stems, what is between them."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

OPENING: Final[Table] = {
    "all": (
        "The first person has the pillars {one}, with day master {a}; the second person has the pillars {two}, with "
        "day master {b}.",
        "The first person comes with the pillars {one}, and so with day master {a}; the second person with the "
        "pillars {two}, and so with day master {b}.",
    ),
}

HOUR: Final[Table] = {
    "first": ("The first person's hour is left open, so what needs it was not counted.",),
    "second": ("The second person's hour is left open, so what needs it was not counted.",),
    "both": ("Both hours are left open, so what needs them was not counted.",),
}

IMAGE: Final[Table] = {
    0: ("a tall tree",),
    1: ("a vine that bends and does not break",),
    2: ("the sun at noon",),
    3: ("a lamp in the room",),
    4: ("a steady mountain",),
    5: ("a field that grows whatever is sown",),
    6: ("a rock of firm grain",),
    7: ("a polished jewel",),
    8: ("a broad river",),
    9: ("quiet rain",),
}

PICTURE: Final[Table] = {
    "unlike": (
        "As a picture it is {x} beside {y}: what differs meets the eye before what is alike.",
        "Think of {x} next to {y}, and it is easy to see why each is curious about the other.",
        "It is {x} meeting {y}: the same thing seen with two pairs of eyes, and so there is much to talk about.",
    ),
    "alike": (
        "Both are like {x}, so a good deal is understood without a long explanation.",
        "Two of a kind, each like {x}: a mirror that is pleasant on most days and a little too clear on some.",
    ),
}

STEM_BOND: Final[Table] = {
    "stem_combination.0": (
        "The first person's day master {a} and the second person's day master {b} join in a stem combination: one "
        "reaches out, the other gives it ground to stand on.",
    ),
    "stem_combination.1": (
        "The first person's day master {a} and the second person's day master {b} join in a stem combination: what "
        "is soft and what is firm fill each other's gaps.",
    ),
    "stem_combination.2": (
        "The first person's day master {a} and the second person's day master {b} join in a stem combination: warm "
        "light falls on what shines, and both are the brighter for it.",
    ),
    "stem_combination.3": (
        "The first person's day master {a} and the second person's day master {b} join in a stem combination: gentle "
        "warmth and a deep current draw each other.",
    ),
    "stem_combination.4": (
        "The first person's day master {a} and the second person's day master {b} join in a stem combination: weight "
        "and tenderness soften one another.",
    ),
    "stem_clash.0": (
        "Between the first person's day master {a} and the second person's day master {b} there is a stem clash: let "
        "pushing on and cutting back take turns.",
    ),
    "stem_clash.1": (
        "Between the first person's day master {a} and the second person's day master {b} there is a stem clash: take "
        "a breath before small words grow sharp.",
    ),
    "stem_clash.2": (
        "Between the first person's day master {a} and the second person's day master {b} there is a stem clash: when "
        "heat meets cool, ask about the other's mood first.",
    ),
    "stem_clash.3": (
        "Between the first person's day master {a} and the second person's day master {b} there is a stem clash: ask "
        "rather than guess, and misunderstandings grow fewer.",
    ),
}

STEM_ELEMENT: Final[Table] = {
    "0.wood": (
        "The first person's {a} and the second person's {b} are of the same element, Wood: learning and "
        "growing are a shared delight.",
    ),
    "0.fire": (
        "The first person's {a} and the second person's {b} are of the same element, Fire: laughter "
        "doubles, so keep a place to cool down as well.",
    ),
    "0.earth": (
        "The first person's {a} and the second person's {b} are of the same element, Earth: keeping and "
        "lasting come easily to both.",
    ),
    "0.metal": (
        "The first person's {a} and the second person's {b} are of the same element, Metal: both hold a promise dear.",
    ),
    "0.water": (
        "The first person's {a} and the second person's {b} are of the same element, Water: long talks run "
        "deep into the night.",
    ),
    "1.wood": (
        "The first person's {a} feeds the second person's {b}: one brings the fuel, the other blooms.",
    ),
    "1.fire": (
        "The first person's {a} feeds the second person's {b}: warmth from one makes the other's ground firm.",
    ),
    "1.earth": (
        "The first person's {a} feeds the second person's {b}: held by one, the other's gift ripens.",
    ),
    "1.metal": (
        "The first person's {a} feeds the second person's {b}: clear measure in one sets thought flowing in the other.",
    ),
    "1.water": (
        "The first person's {a} feeds the second person's {b}: understanding from one lets the other grow.",
    ),
    "2.wood": (
        "The first person's {a} controls the second person's {b}: leading comes easily to the first, who "
        "does well to slow down.",
    ),
    "2.fire": ("The first person's {a} controls the second person's {b}: let zeal not arrive as pressure.",),
    "2.earth": (
        "The first person's {a} controls the second person's {b}: let caution leave room for the other's flow.",
    ),
    "2.metal": (
        "The first person's {a} controls the second person's {b}: a straight word is heard best after a warm one.",
    ),
    "2.water": (
        "The first person's {a} controls the second person's {b}: join in the fun before raising a doubt.",
    ),
    "3.wood": (
        "The second person's {b} controls the first person's {a}: a closing word may sound like a push.",
    ),
    "3.fire": ("The second person's {b} controls the first person's {a}: applause first, calm afterwards.",),
    "3.earth": (
        "The second person's {b} controls the first person's {a}: a new plan wants a night to settle.",
    ),
    "3.metal": (
        "The second person's {b} controls the first person's {a}: ardent interest is welcome, slowly.",
    ),
    "3.water": (
        "The second person's {b} controls the first person's {a}: the bank that one draws can be a support "
        "to the other.",
    ),
    "4.wood": (
        "The second person's {b} feeds the first person's {a}: care soaks in like water and turns to strength.",
    ),
    "4.fire": ("The second person's {b} feeds the first person's {a}: encouragement keeps the spark alive.",),
    "4.earth": (
        "The second person's {b} feeds the first person's {a}: a bright heart puts the other at ease.",
    ),
    "4.metal": (
        "The second person's {b} feeds the first person's {a}: in a wide embrace skill begins to shine.",
    ),
    "4.water": (
        "The second person's {b} feeds the first person's {a}: a clear word opens the way for thought.",
    ),
}
