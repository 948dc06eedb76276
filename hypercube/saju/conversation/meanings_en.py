"""What the terms mean, in English; each a sentence or two that are true of every chart."""

from collections.abc import Sequence
from typing import Final

from hypercube.saju.facts.sinsal_rule import BAD, GOOD, MIXED, Rule

GODS: Final = {
    "peer": "Peer is a letter of your own element and polarity: equals at your side, and standing on your own feet.",
    "rival": "Rob wealth is a letter of your own element and the opposite polarity: rivalry, sharing, the will to win.",
    "eating_god": "Eating god is a letter of the element that you feed, in your own polarity: making, enjoying, "
    "ease.",
    "hurting_officer": (
        "Hurting officer is a letter of the element that you feed, in the opposite polarity: wit, "
        "speech, breaking moulds."
    ),
    "indirect_wealth": (
        "Indirect wealth is a letter of the element that you govern, in your own polarity: money "
        "that moves, wide reach."
    ),
    "direct_wealth": (
        "Direct wealth is a letter of the element that you govern, in the opposite polarity: steady earning and thrift."
    ),
    "indirect_officer": (
        "Seven killings (also indirect officer) is a letter of the element that governs you, in your own polarity: "
        "pressure, resolve, courage."
    ),
    "direct_officer": (
        "Direct officer is a letter of the element that governs you, in the opposite polarity: rules, duty, standing."
    ),
    "indirect_resource": (
        "Indirect resource is a letter of the element that feeds you, in your own polarity: unusual "
        "insight, special skill."
    ),
    "direct_resource": (
        "Direct resource is a letter of the element that feeds you, in the opposite polarity: learning, papers, care."
    ),
    "peers": "Peer stars are peer and rob wealth together: your own element, equals and self-reliance.",
    "output": "Output stars are eating god and hurting officer together: the element that you feed, expression "
    "and skill.",
    "wealth": "Wealth stars are indirect and direct wealth together: the element that you govern, money and a "
    "sense of what is real.",
    "officers": "Officer stars are seven killings and direct officer together: the element that governs you, "
    "work and duty.",
    "resource": "Resource stars are indirect and direct resource together: the element that feeds you, learning "
    "and care.",
}
RELATIONS: Final = {
    "stem_combination": "A stem combination is two stems that pair: minds that meet.",
    "stem_clash": "A stem clash is two stems that collide: thoughts that part ways and set things moving.",
    "six_combination": "A six combination is two branches that pair: close affection.",
    "half_triad": "A half triad is two letters of a triad, its middle one among them: wills that gather.",
    "arched_triad": "An arched half triad is two letters of a triad without its middle one: a gap that waits to be "
    "filled.",
    "half_direction": "A directional pair is two of three branches of one season: like gathering with like.",
    "triad": "A triad is three branches that gather to one element: what many do together.",
    "direction": "A directional trio is the three branches of one season: a bond as of a family.",
    "clash": "A clash is two letters that face each other: movement and change. It does not mean that "
    "anything bad is fixed.",
    "punishment": "A punishment is letters that press on each other: friction that leads to repair.",
    "mutual_punishment": "A mutual punishment is two branches that press on each other: tension that courtesy "
    "softens.",
    "self_punishment": "A self punishment is 辰, 午, 酉 or 亥 meeting itself: thoughts that go round and round.",
    "triple_punishment": "A triple punishment is three branches that press on one another: hardening through large "
    "adjustments.",
    "break": "A break is two branches out of step: plans that have to be made anew.",
    "harm": "A harm is two branches that hinder each other's pairing: hurt feelings to be talked over.",
    "resentment": "Resentment is two branches that are cool to each other for no reason: some distance eases it.",
    "ghost_gate": "Ghost gate is two branches that make the mind sensitive: intuition and concentration.",
}
PLACES: Final = {
    "year": "The year pillar is that of the year of birth: roots, and where one comes from.",
    "month": "The month pillar is that of the month of birth: parents, work and the world outside.",
    "day": "The day pillar is that of the day of birth: its stem stands for you, its branch for a partner.",
    "hour": "The hour pillar is that of the hour of birth: children, and later days.",
}
TOPICS: Final = {
    "pillars": "The four pillars are those of the year, month, day and hour of birth; their eight letters are "
    "the chart.",
    "day_stem": "The day stem (day master) is the stem of the day of birth: it stands for you, and all else is "
    "read from it.",
    "elements": "The five elements are wood, fire, earth, metal and water, which feed and govern one another.",
    "polarity": "Yin and yang are the two sides that each letter has: yang opens outward, yin gathers inward.",
    "strength": "Strong or weak says how much help you stand with in the chart; neither is good or bad in itself.",
    "structure": "The structure is a name for what a chart is good for as a whole, by the month of birth.",
    "useful": "The useful god is the element or letter that helps a chart's balance most.",
    "gods": "The ten gods are names for what each other letter is to you.",
    "hidden": "Hidden stems are the stems inside a branch: what is there without being seen.",
    "stages": "The twelve life stages say how full a stem's strength is in a branch, in the picture of a life.",
    "sinsal": "Sinsal are names for certain pairs of letters: pictures read beside the rest, and nothing fixed.",
    "nobles": "Nobles (貴人) are the sinsal of helpers and of help received.",
    "twelve": "The twelve sinsal are names for each branch, by the triad of the year or day branch.",
    "relations": "Combinations and clashes are letters that are drawn to each other or collide: movement and change.",
    "void": "Void branches are the two left over when ten stems are paired with twelve branches: places one "
    "strives to fill.",
    "nayin": "Nayin are picture names by element, one for each pillar.",
    "children": "Tradition reads the output stars of a woman, or the officer stars of a man, as children, and the "
    "hour pillar as their place. It does not say whether there will be any, or how many.",
    "luck": "Luck pillars change every ten years: the background of that time.",
    "periods": "The pillars of a year, a month and a day are what passes through at that time.",
}
_BASIS: Final = {
    "day_stem": "the day stem",
    "day_branch": "the day branch",
    "year_branch": "the year branch",
    "month_branch": "the month branch",
    "pillar": "a pillar's two letters",
}
_QUALITY: Final = {
    GOOD: "Tradition welcomes it.",
    BAD: "Tradition counts it as a call for care; it does not mean that anything bad is fixed.",
    MIXED: "Tradition says that it depends on how it is used.",
}
_PICTURE: Final = {
    "cheoneul": "help that comes in need",
    "cheondeok": "trouble made light by goodness",
    "woldeok": "trouble made light by kindness",
    "munchang": "a gift for writing and learning",
    "mungok": "a gift for art and words",
    "hakdang": "study and teaching",
    "taegeuk": "seeing a thing through to its end",
    "bokseong": "small good turns returned",
    "yangin": "force with an edge",
    "hongyeom": "quiet attraction",
    "dohwa": "charm that draws eyes",
    "yeokma": "movement and travel",
    "hwagae": "art and thought in solitude",
    "baekho": "strength that comes all at once",
    "goegang": "a leader's resolve",
    "hyeonchim": "sharp words and fine hands",
    "wonjin": "coolness for no reason",
    "gwimun": "sharp intuition",
    "cheonui": "a gift for care and healing",
    "gosin": "ease with being alone",
    "gwasuk": "firmness alone",
}


def sinsal(word: str, rules: Sequence[Rule], base: str) -> str:
    """One sinsal, as a sentence or two.

    Args:
        word: its name.
        rules: by which it is found; several where it is read from more than one place.
        base: its key without the place.
    """
    rule = rules[0]
    basis = " or ".join(dict.fromkeys(_BASIS[each.basis] for each in rules[::-1]))
    picture = _PICTURE.get(base)
    head = f"{word[:1].upper()}{word[1:]} is a sinsal found by {basis}"
    return f"{head}{f': {picture}' if picture else ''}. {_QUALITY[rule.quality]}"
