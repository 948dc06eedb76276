"""Temperament: the day stem, its season, its strength."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

OPENING: Final[Table] = {
    "timed": (
        "This is {who} chart of four pillars: year {year}, month {month}, day {day}, hour {hour}.",
        "Year {year}, month {month}, day {day} and hour {hour} make up the four pillars of {who} chart.",
    ),
    "untimed": (
        "This is {who} chart of three pillars: year {year}, month {month}, day {day}; the hour is not guessed at.",
        "Year {year}, month {month} and day {day} make up three pillars of {who} chart; the hour is left open.",
    ),
}

DAY_MASTER: Final[Table] = {
    0: (
        "The day master is Gap Wood (甲), a tall tree that grows straight for the light.",
        "At the centre stands Gap Wood (甲), the first tree of the forest to raise its head.",
    ),
    1: (
        "The day master is Eul Wood (乙), grass and vine that bend with the wind and never break.",
        "At the centre stands Eul Wood (乙), a climbing plant that always finds its way round the stone.",
    ),
    2: (
        "The day master is Byeong Fire (丙), the noon sun that shines on everyone alike.",
        "At the centre stands Byeong Fire (丙), a sun that clouds may hide but never move.",
    ),
    3: (
        "The day master is Jeong Fire (丁), a lamp that lights one face at a time.",
        "At the centre stands Jeong Fire (丁), a candle that burns quietly and long.",
    ),
    4: (
        "The day master is Mu Earth (戊), a broad mountain that is not easily moved.",
        "At the centre stands Mu Earth (戊), the hill on which others lean to rest.",
    ),
    5: (
        "The day master is Gi Earth (己), a garden plot that brings on whatever is sown.",
        "At the centre stands Gi Earth (己), good soil that grows people without a fuss.",
    ),
    6: (
        "The day master is Gyeong Metal (庚), raw iron that gains by every blow of the hammer.",
        "At the centre stands Gyeong Metal (庚), rock and steel that know where to draw the line.",
    ),
    7: (
        "The day master is Sin Metal (辛), a cut gem, fine and exact.",
        "At the centre stands Sin Metal (辛), a jeweller's eye that lets no flaw pass.",
    ),
    8: (
        "The day master is Im Water (壬), a great river on its way to the sea.",
        "At the centre stands Im Water (壬), calm on the surface and deep below.",
    ),
    9: (
        "The day master is Gye Water (癸), a soft rain that reaches every root.",
        "At the centre stands Gye Water (癸), a mist that notices the smallest stir.",
    ),
}

TRAIT: Final[Table] = {
    0: (
        "You bend with difficulty, but before a task you are more honest than most.",
        "You work best at what you chose yourself, and being first suits you.",
    ),
    1: (
        "You read people quickly and kindly, and so you make few enemies.",
        "You seem to give way, yet the lines you drew inside hardly ever move.",
    ),
    2: (
        "You do not hold on to anger; you flare up and are soon laughing again.",
        "Good things must be shared, and praise doubles your strength.",
    ),
    3: (
        "Where you have given your heart you care to the end, without a show.",
        "Calm outside, you can stay up all night for what you love.",
    ),
    4: (
        "You say little and keep your word as if it weighed something.",
        "Small things do not shake you; changing your mind simply takes time.",
    ),
    5: (
        "You trust results that can be held in the hand more than fine talk.",
        "Looking after others is second nature, and you never forget a kindness.",
    ),
    6: (
        "You value loyalty, and what is wrong you cannot let pass, even at a cost.",
        "You decide fast and do not look back, which makes you strong in a crisis.",
    ),
    7: (
        "Your taste is sure, and you rarely take just anything.",
        "You are strict with yourself, and try harder than others can see.",
    ),
    8: (
        "You see the whole board, and a narrow frame soon feels tight.",
        "You welcome new people and new ideas, and make them your own fast.",
    ),
    9: (
        "You sense moods and hear what was not said.",
        "Time alone fills you up, and your best ideas come then.",
    ),
}

STRENGTH: Final[Table] = {
    "very_weak": ("By the place-points method the day master scores {support} of {available}: very weak.",),
    "weak": ("By the place-points method the day master scores {support} of {available}: weak.",),
    "balanced": ("By the place-points method the day master scores {support} of {available}: balanced.",),
    "strong": ("By the place-points method the day master scores {support} of {available}: strong.",),
    "very_strong": (
        "By the place-points method the day master scores {support} of {available}: very strong.",
    ),
}

STRENGTH_MEANS: Final[Table] = {
    "very_weak": ("You go furthest by riding currents and people rather than by carrying everything alone.",),
    "weak": ("That is no lack; it means that asking for help brings your gifts out whole.",),
    "balanced": ("Push and pull are even in you, so you can step forward and step back.",),
    "strong": ("You have staying power to spare, and finding a stage for it is both task and pleasure.",),
    "very_strong": ("You shine where one large thing can take all your force, and giving keeps it clear.",),
}

STRENGTH_SELF: Final[Table] = {
    "0.strong": ("A well-rooted tree grows straighter for pruning: keep a few aims.",),
    "0.weak": ("A young tree wants water and light first: learning and good elders are both.",),
    "0.balanced": ("Light and water are enough, so without hurry the tree reaches its height.",),
    "1.strong": ("A lush vine needs one post to climb: choose a single goal.",),
    "1.weak": ("A tender shoot needs a sunny place before all: root where you are cherished.",),
    "1.balanced": ("You know when to bend and when to hold; trust that.",),
    "2.strong": ("A midsummer sun does well to cast some shade, and people will come closer.",),
    "2.weak": ("On a cloudy day the sun waits; there is no need to force the light.",),
    "2.balanced": ("Yours is the warmth of spring, and just being near you helps.",),
    "3.strong": ("A large flame wants work to burn, and rest must be learned on purpose.",),
    "3.weak": ("A candle in the wind needs oil: put sleep and rest first.",),
    "3.balanced": ("The wick burns evenly, so you are made for long lighting.",),
    "4.strong": ("A high mountain needs a path: open your heart first, and people will climb.",),
    "4.weak": ("The hill is still being raised: lay foundations before taking on loads.",),
    "4.balanced": ("Neither too high nor too low, it is a hill where people gather.",),
    "5.strong": ("Deep soil wants turning: do not fear what is new.",),
    "5.weak": ("A plot dries easily: caring for yourself is the short way to caring for others.",),
    "5.balanced": ("The soil is good, and what is sown in time will yield.",),
    "6.strong": ("Hard iron becomes a vessel in the fire: welcome a demanding teacher.",),
    "6.weak": ("The iron is still warming: gain body before you gain an edge.",),
    "6.balanced": ("The blade is well tempered; only the moment to draw it matters.",),
    "7.strong": ("Many gems scatter the light: choose one and polish it.",),
    "7.weak": ("A gem in the soil is a gem: show it to those who know.",),
    "7.balanced": ("The lustre is even, and needs no ornament to be seen.",),
    "8.strong": ("High waters want banks: routine will set you free.",),
    "8.weak": ("The stream is still narrow: gather it into one bed.",),
    "8.balanced": ("The river has depth and flow, and is of use wherever it goes.",),
    "9.strong": ("After long rain one longs for sun: move, and meet people.",),
    "9.weak": ("A drizzle needs a cloud behind it: find those who stand by you.",),
    "9.balanced": ("You are rain in season, and reach the place that needs it.",),
}
