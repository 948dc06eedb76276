"""What is between the branches, place by place."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

PLACE: Final[Table] = {
    "year.bond": (
        "The first person's year branch {x} and the second person's year branch {y} meet in {kinds}: where each comes "
        "from is not strange to the other.",
    ),
    "year.tension": (
        "The first person's year branch {x} and the second person's year branch {y} meet in {kinds}: where family ways "
        "differ, make a new rule of your own.",
    ),
    "year.mixed": (
        "The first person's year branch {x} and the second person's year branch {y} meet in {kinds} at once: the "
        "families grow fond of each other and still want good manners.",
    ),
    "month.bond": (
        "The first person's month branch {x} and the second person's month branch {y} meet in {kinds}: working days "
        "keep the same beat, and plans are easy to make.",
    ),
    "month.tension": (
        "The first person's month branch {x} and the second person's month branch {y} meet in {kinds}: tell each other "
        "early when work is heavy.",
    ),
    "month.mixed": (
        "The first person's month branch {x} and the second person's month branch {y} meet in {kinds} at once: working "
        "together bears fruit once the parts are shared out.",
    ),
    "day.bond": (
        "The first person's day branch {x} and the second person's day branch {y} meet in {kinds}: home and rest fit "
        "together by themselves.",
        "The first person's day branch {x} and the second person's day branch {y} meet in {kinds}: being near is "
        "already a comfort.",
    ),
    "day.tension": (
        "The first person's day branch {x} and the second person's day branch {y} meet in {kinds}: a little room under "
        "one roof brings the fondness back.",
        "The first person's day branch {x} and the second person's day branch {y} meet in {kinds}: settle small hurts "
        "within the day.",
    ),
    "day.mixed": (
        "The first person's day branch {x} and the second person's day branch {y} meet in {kinds} at once: the pull is "
        "strong, so agree early on how to end a quarrel.",
    ),
    "hour.bond": (
        "The first person's hour branch {x} and the second person's hour branch {y} meet in {kinds}: talk of the years "
        "ahead comes easily.",
    ),
    "hour.tension": (
        "The first person's hour branch {x} and the second person's hour branch {y} meet in {kinds}: draw the years "
        "ahead anew each year.",
    ),
    "hour.mixed": (
        "The first person's hour branch {x} and the second person's hour branch {y} meet in {kinds} at once: the dream "
        "is alike, and the road may stay open.",
    ),
    "day.same": (
        "The first person's day branch is {x}, and the second person's day branch is {y}, too: rest and tender spots "
        "are much alike.",
    ),
    "day.none": (
        "Between the first person's day branch {x} and the second person's day branch {y} there is no combination and "
        "no clash: each leaves the other's days in peace.",
    ),
}

KIND: Final[Table] = {
    "six_combination": (
        "A six combination is a pair holding on to each other: even small things are gladly done together.",
    ),
    "half_triad": ("A half triad looks the same way: with a common aim the tie grows firm.",),
    "arched_triad": (
        "An arched half triad holds out hands across a gap: find something to put between them.",
    ),
    "half_direction": (
        "A directional pair is like neighbours: ease comes first, and romance is what is made of it.",
    ),
    "clash": ("A clash faces and stirs: there is change in it, and little boredom.",),
    "punishment": ("A punishment trims and mends: thanks before corrections.",),
    "mutual_punishment": ("A mutual punishment asks for manners just where people are close.",),
    "self_punishment": ("A self punishment doubles one thought: on heavy days, go out and walk.",),
    "break": ("A break changes what was set up: leave some slack in every plan.",),
    "harm": ("A harm is an expectation that just misses: say plainly what is hoped for.",),
    "resentment": (
        "A resentment, as read in Korea, is hurt without a cause: guard each other's time alone.",
    ),
    "ghost_gate": ("A ghost gate, as read in Korea, is a keen sense: put off the words of a tired day.",),
}
