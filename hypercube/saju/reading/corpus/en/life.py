"""Wealth, relationships, well-being."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

WEALTH_KIND: Final[Table] = {
    "none": (
        "No wealth star stands in the letters or the hidden stems: skill comes first, and means follow it.",
    ),
    "hidden": ("The wealth star is only among the hidden stems: quiet saving suits you better than show.",),
    "direct": (
        "The only visible wealth star is direct wealth: steady income and planned spending are your pillars.",
    ),
    "indirect": (
        "The only visible wealth star is indirect wealth: you move and catch chances, so fence in a reserve.",
    ),
    "both": (
        "Direct wealth and indirect wealth are both visible: fixed income and side income can live together.",
    ),
}

WEALTH_STRENGTH: Final[Table] = {
    "strong.many": (
        "By place-points you have strength, and wealth stars as well: you can carry what you start.",
    ),
    "strong.few": ("By place-points you have strength to spare and few wealth stars: widen your outlets.",),
    "weak.many": (
        "By place-points your strength wants saving while wealth stars are many: hold only what you can carry.",
    ),
    "weak.few": ("By place-points strength and wealth stars are both scarce: spend less, and build skill.",),
    "balanced.many": (
        "By place-points you are balanced, and wealth stars are there: let them work for you without strain.",
    ),
    "balanced.few": ("By place-points you are balanced: money with a long view suits you.",),
}

WEALTH_FLOW: Final[Table] = {
    "output": ("Output stars feed the wealth stars: do not shrink from putting a price on your work.",),
    "officers": ("Wealth stars support the officer stars: position and household settle together.",),
    "peers": ("Peers share the wealth stars: put partnerships in writing.",),
    "plain": ("The flow of money is simple, and one plain rule is the best plan.",),
}

WEALTH_ELEMENT: Final[Table] = {
    "wood": ("The wealth element is Wood: look to teaching, publishing, plants, whatever grows.",),
    "fire": ("The wealth element is Fire: look to light, screens, energy, whatever is seen.",),
    "earth": ("The wealth element is Earth: look to land, building, brokering between people.",),
    "metal": ("The wealth element is Metal: look to machines, finance, exact handiwork.",),
    "water": ("The wealth element is Water: look to trade, travel, information, whatever flows.",),
}

WEALTH_CLOSE: Final[Table] = {
    "all": (
        "This is a habit that suits a nature, not a sum that is promised; take large decisions with an adviser.",
        "Read it as a way to be at ease with money, not as a forecast of how much.",
    ),
}

SPOUSE_PALACE: Final[Table] = {
    "peer": ("The day branch is a peer star: a bond of equals who keep their own space is easiest.",),
    "rival": (
        "The day branch is a rob wealth star: the game of give and take is lively, so take turns leading.",
    ),
    "eating_god": ("The day branch is an eating god star: meals and laughter day by day make love grow.",),
    "hurting_officer": (
        "The day branch is a hurting officer star: good talk attracts you, and frank talk keeps the bond.",
    ),
    "indirect_wealth": ("The day branch is an indirect wealth star: lively people of the world draw you.",),
    "direct_wealth": (
        "The day branch is a direct wealth star: you last with someone reliable to keep house with.",
    ),
    "indirect_officer": (
        "The day branch is a seven killings star: strong people draw you, so promise not to press each other.",
    ),
    "direct_officer": (
        "The day branch is a direct officer star: someone courteous and responsible brings you calm.",
    ),
    "indirect_resource": (
        "The day branch is an indirect resource star: you hope to be understood without words, but say them.",
    ),
    "direct_resource": (
        "The day branch is a direct resource star: you rest in a bond that shelters and cares.",
    ),
}

SPOUSE_STAR: Final[Table] = {
    "male.none": (
        "For a man the wealth star stands for the partner; none is visible: you get to know people slowly, not never.",
    ),
    "male.one": (
        "For a man the wealth star stands for the partner; one is visible, and your devotion goes to one person.",
    ),
    "male.many": (
        "For a man the wealth star stands for the partner; several are visible, so clear promises do good.",
    ),
    "female.none": (
        "For a woman the officer star stands for the partner; none is visible: you stand on your own first.",
    ),
    "female.one": (
        "For a woman the officer star stands for the partner; one is visible, and you go far with one who earns trust.",
    ),
    "female.many": (
        "For a woman the officer star stands for the partner; several are visible, so your standards are your fortune.",
    ),
}

SPOUSE_DAY: Final[Table] = {
    "calm": ("The day branch is at odds with no other, so close bonds are kept quietly.",),
    "void": ("By the year pillar the day branch is void: the lighter the expectation, the deeper the bond.",),
}

RELATION_CLOSE: Final[Table] = {
    "all": (
        "A bond depends less on a destined partner than on the habits that two people make.",
        "The chart speaks of your side only; the other's story is worth as much.",
    ),
}

HEALTH_LOW: Final[Table] = {
    "wood": ("Wood has the least weight, {share}%: stretching and walking suit you.",),
    "fire": ("Fire has the least weight, {share}%: sunlight, warmth and laughter suit you.",),
    "earth": ("Earth has the least weight, {share}%: regular meals, slowly eaten, suit you.",),
    "metal": ("Metal has the least weight, {share}%: deep breaths and clean air suit you.",),
    "water": ("Water has the least weight, {share}%: drinking enough and going to bed early suit you.",),
}

HEALTH_HIGH: Final[Table] = {
    "wood": ("Wood weighs most, so let tension out with stretching and woodland walks.",),
    "fire": ("Fire weighs most, so keep one still hour a day to cool down.",),
    "earth": ("Earth weighs most, so move instead of turning thoughts over.",),
    "metal": ("Metal weighs most, so let go of perfection and move gently.",),
    "water": ("Water weighs most, so keep warm, and be active by day.",),
}

HEALTH_SEASON: Final[Table] = {
    "spring": ("Born in spring, you are easily stirred when the seasons turn: keep a fixed bedtime.",),
    "summer": ("Born in summer, you warm up easily: allow yourself shade and slow afternoons.",),
    "autumn": ("Born in autumn, you dry out easily: juicy food and ample rest are welcome.",),
    "winter": ("Born in winter, you cool easily: keep warm tea and a sunny seat at hand.",),
}

HEALTH_CLOSE: Final[Table] = {
    "all": (
        "This is about daily habits only; if something troubles you, please see a doctor.",
        "Nothing here names an illness; for any worry a physician is the right person to ask.",
    ),
}
