"""What is said otherwise of somebody old: of what work was, of a good day now, and of what is handed on."""

from typing import Final

from hypercube.saju.reading.corpus.en.gods import by_god
from hypercube.saju.reading.corpus.table import Table

TIME_OF_LIFE: Final[Table] = {
    "work": (
        "What you have done says more by now than what is still to do, so this looks back along your road.",
        "This is not about choosing work: it looks back on the grain of a lifetime's skill.",
        "A practised hand does not age, so read this for the work behind you and the experience to pass on.",
        "Look in what follows for the stories that children and grandchildren should hear from you.",
    ),
    "wealth": (
        "Keeping and sharing matter more now than gathering, so this is about an easy household.",
        "The gathering is behind you; here it is about spending with a light heart, and giving.",
        "Read this as a look back on your way with money, and a thought about how to share what there is.",
        "Means are for use by now: think first of what makes the day easy, and of what you would like to give.",
    ),
    "relationships": (
        "Think here of those who shared the long years with you: family, grandchildren, old friends.",
        "Bonds that have lasted are worth more now than new ones, so read this as ways of giving affection.",
        "This looks back on the bonds of a lifetime, and for ways to be easier with those near you.",
        "A day with warm words in it is worth much, so it is the heart behind them that is read here.",
    ),
    "advice": (
        "Tell your stories to children and grandchildren; no gift lasts longer.",
        "A good night, a good meal and a short walk in the sun make a day complete.",
        "Accepting help is a way of sharing, too, so lean on the hand that is held out.",
        "Write down a thing or two that long experience taught you; it will light the way for others.",
    ),
}

STRUCTURE: Final[Table] = {
    key: (f"By the rule of 子平眞詮 this is {name}: {means}.",)
    for key, name, means in (
        (
            "eating_god_structure",
            "an eating god structure",
            "a life of making, teaching and feeding people well",
        ),
        ("hurting_officer_structure", "a hurting officer structure", "wit and new ideas made your own road"),
        (
            "indirect_wealth_structure",
            "an indirect wealth structure",
            "you brought people and chances together on wide stages",
        ),
        (
            "direct_wealth_structure",
            "a direct wealth structure",
            "building up step by step earned you trust",
        ),
        ("indirect_officer_structure", "a seven killings structure", "hard passes made you firm"),
        (
            "direct_officer_structure",
            "a direct officer structure",
            "rules and duties kept won you confidence",
        ),
        (
            "indirect_resource_structure",
            "an indirect resource structure",
            "you looked into one thing deeply, and see what others miss",
        ),
        (
            "direct_resource_structure",
            "a direct resource structure",
            "you learned, and brought others up by teaching",
        ),
        ("built_prosperity", "built prosperity", "what there is was made by your own hands"),
        ("blade_structure", "a blade structure", "you did not draw back where great force was called for"),
        (
            "month_rival",
            "a month rival structure",
            "you lived among people, competing and joining hands",
        ),
    )
}
EXPOSED: Final[Table] = {
    "yes": ("That force shows in the stems, too, so others will have seen the skill.",),
    "no": ("It lies in the ground, so there are stories that you have not told yet.",),
}
MONTH_STEM_GOD: Final[Table] = by_god(
    "With [star] in the month stem, [means].",
    "the comrades of the road are your pride",
    "a will to hold your own carried you here",
    "your hands still know how to make good things",
    "nobody tells an old story better",
    "you have seen much of the world and can tell of it",
    "what was in your care was never neglected",
    "the nerve that carried you through is a support to the young",
    "a name well kept gives your words weight",
    "study for its own sake fills the day",
    "there is much teaching to hand on",
)
MONTH_BRANCH_GOD: Final[Table] = by_god(
    "The month branch is [star], so [means].",
    "having done your own work with your own hands is the root of your pride",
    "you kept your nerve where many compete",
    "a lifetime's care went into feeding and tending",
    "you made new things out of worn ones",
    "coming and going of people still gives you life",
    "steadiness was your capital",
    "discipline has become second nature",
    "a settled and proper household was the frame of your life",
    "the one thing that you dug into is a companion still",
    "passing on what you have learned satisfies you most",
)
HOUR_STEM_GOD: Final[Table] = by_god(
    "With [star] in the hour stem, these years bring [means].",
    "the blessing of friends at your side",
    "a warmth that likes to settle early who shares in what",
    "ease and good taste",
    "an untiring urge to create",
    "strength from fresh air and company",
    "a household well brought in",
    "a spirit that keeps in training",
    "the shine of a good name",
    "late-blooming study",
    "learning and helpers",
)
GROUP_TOP: Final[Table] = {
    "peers": (
        "Among the ten gods the peers weigh most: you lived by your own will, and may be proud of it.",
    ),
    "output": ("Among the ten gods the output stars weigh most: much that you made and told remains.",),
    "wealth": ("Among the ten gods the wealth stars weigh most: you had a rare sense for what is real.",),
    "officers": ("Among the ten gods the officer stars weigh most: duties done make you an example.",),
    "resource": ("Among the ten gods the resource stars weigh most: learning and teaching came naturally.",),
}
GROUP_ABSENT: Final[Table] = {
    "peers": ("No peer stands among the visible letters, so keep a friend or two within call.",),
    "output": (
        "No output star stands among the visible letters, so tell now and then what you have kept inside.",
    ),
    "wealth": (
        "No wealth star stands among the visible letters, so let somebody near know where things are.",
    ),
    "officers": ("No officer star stands among the visible letters, so let small rules hold up the day.",),
    "resource": ("No resource star stands among the visible letters, so practise asking for help.",),
}

WEALTH_KIND: Final[Table] = {
    "none": (
        "No wealth star stands in the letters or the hidden stems: people and credit counted more than money.",
    ),
    "hidden": ("The wealth star is only among the hidden stems: you kept your means quietly and well.",),
    "direct": (
        "The only visible wealth star is direct wealth: a steady household, run with care, was your way.",
    ),
    "indirect": (
        "The only visible wealth star is indirect wealth: much came and went, and you give with an open hand.",
    ),
    "both": ("Direct wealth and indirect wealth are both visible: you know how to keep and how to give.",),
}
WEALTH_STRENGTH: Final[Table] = {
    "strong.many": (
        "By place-points you have strength, and wealth stars as well: you can tie up the ends yourself.",
    ),
    "strong.few": (
        "By place-points you have strength to spare and few wealth stars: a simple household is a light one.",
    ),
    "weak.many": (
        "By place-points your strength wants saving while wealth stars are many: share the care with one you trust.",
    ),
    "weak.few": (
        "By place-points strength and wealth stars are both scarce: keep only what is needed near.",
    ),
    "balanced.many": (
        "By place-points you are balanced, and wealth stars are there: keep things as calmly as you do.",
    ),
    "balanced.few": ("By place-points you are balanced: a household without hurry suits you.",),
}
WEALTH_FLOW: Final[Table] = {
    "output": ("Output stars feed the wealth stars: skill built the household.",),
    "officers": ("Wealth stars support the officer stars: means kept up a good name.",),
    "peers": ("Peers share the wealth stars: put in words and writing what is meant for whom.",),
    "plain": ("The flow of money is simple, and plain order is the best plan.",),
}
WEALTH_ELEMENT: Final[Table] = {
    "wood": ("The wealth element is Wood: tending plants or books pleases most.",),
    "fire": ("The wealth element is Fire: a sunny seat and bright company please most.",),
    "earth": ("The wealth element is Earth: looking after the old place and its guests pleases most.",),
    "metal": ("The wealth element is Metal: polishing and keeping well-used things pleases most.",),
    "water": ("The wealth element is Water: outings, news and old stories please most.",),
}

SPOUSE_PALACE: Final[Table] = by_god(
    "The day branch is [star]: [means].",
    "a bond of equals who leave each other time is easiest",
    "teasing is affection, too, so let the other win now and then",
    "small days of meals and laughter keep affection warm",
    "a long talk with somebody who understands is the best medicine",
    "a lively friend with news of the world is welcome",
    "the reliable one who kept house with you is your support",
    "say thank you first to those near you, and press nobody",
    "long courtesy brings calm",
    "you hope to be understood without words, but say them",
    "you rest in bonds that shelter and care",
)
SPOUSE_STAR: Final[Table] = dict.fromkeys(
    (f"{sex}.{amount}" for sex in ("male", "female") for amount in ("none", "one", "many")), ()
)
"""How somebody old came to a spouse, or did without one, is known better than any star tells."""
RELATION_CLOSE: Final[Table] = {
    "all": (
        "The affection of long years goes deeper than any chart; think once more of those you thank.",
        "Let old hurts go and share what was good; the day grows warmer.",
        "Listening to the one beside you is a gift in itself.",
    ),
}
PLACES: Final[Table] = {
    "year.month": ("Roots and society meet there, and you carried family hopes along with your own course.",),
    "month.day": ("Society and self touch, so the work you did was a matter of the heart.",),
    "month.hour": ("What you did and what you dreamed are linked, and the years behind feed today's joys.",),
    "day.hour": ("Self and those who come after are linked, and your heart goes out to the young.",),
}
SINSAL: Final[Table] = {
    "yeokma_year": (
        "The travelling horse by the year branch stands in {where}, and you have been about a lot.",
    ),
    "yeokma_day": (
        "The travelling horse by the day branch stands in {where}, and small outings do you good.",
    ),
    "munchang": ("The literary star stands in {where}, bright in writing and speech.",),
    "baekho": ("The white tiger stands in {where}, great force, to be used without strain.",),
    "yangin": ("The blade stands in {where}, drive that carried you far.",),
    "geonrok": ("The prosperity star stands in {where}, the strength that earned your own bowl.",),
}

RELATION: Final[Table] = {
    "triple_punishment": ("A triple punishment binds {a}: what was crooked, you have put right.",),
}

LUCK_STEM: Final[Table] = by_god(
    "Its stem is [star]: ten years of [means].",
    "walking beside friends and keeping your own will",
    "a wider heart, with shares to settle",
    "ease, and of skills enjoyed",
    "telling what you always wished to, and finding new amusements",
    "fresh air and good company",
    "putting the household in order",
    "sparing the body and training the spirit",
    "a good name and principles kept",
    "looking back in quiet and thinking deeply",
    "learning, with helping hands around you",
)
LUCK_BRANCH: Final[Table] = {
    "rival": ("Its branch is a rob wealth star; in everyday life more is shared with others.",),
}
LUCK_USEFUL: Final[Table] = {
    "no": ("It holds no element that the balance school calls for: better for rest than for speed.",),
}
PASSING: Final[Table] = {
    "clash": (
        "Between {who} and {b} there is a clash: leave time for what has to be moved or rearranged.",
        "{b} meets {who} in a clash: do not be alarmed where the familiar changes.",
    ),
    "punishment": (
        "Between {who} and {b} there is a punishment: read papers together with somebody near before you sign.",
        "{b} meets {who} in a punishment: settle things in order, not in haste.",
    ),
    "stem_combination": (
        "Between {who} and {b} there is a stem combination: good news or a helping hand may come.",
        "{b} meets {who} in a stem combination: a hand is easily joined to yours.",
    ),
}
YEAR_STEM: Final[Table] = by_god(
    "The year's stem is [star]: [means].",
    "a year to exchange news with friends and keep your own will",
    "a year of many people, in which spending grows easily",
    "a year in which making, eating and sharing are a pleasure",
    "a year with much to tell",
    "a year of welcome guests and outings",
    "a year to put things in order",
    "a year of many errands, so mark the days of rest first",
    "a year in which principles kept are well spoken of",
    "a year to look back in quiet",
    "a year in which learning and help come together",
)
MONTH_NOW: Final[Table] = by_god(
    "This month's pillar is {pillar}, and its stem is [star]: [means].",
    "go at your own pace",
    "count your promises and your expenses",
    "what you like doing comes easily to hand",
    "a good month to write down an old story",
    "meeting people does you good",
    "a good month to put drawers in order",
    "take the urgent things one by one",
    "a good month to look through papers that were put off",
    "time alone to sort things out is medicine",
    "ask for help, and it will be given gladly",
)
ADVICE: Final[Table] = {
    "peers_excess": ("Give up half of your stubbornness and hear the children out; the house grows wider.",),
    "resource_excess": ("Rather than turn thoughts over, keep the hands busy with something light.",),
    "output_excess": ("Gather in, one by one, the things and stories that lie about.",),
    "wealth_excess": ("Fewer errands and more company make the day lighter.",),
    "officers_excess": ("You have met your duties all your life; resting is a duty, too.",),
    "balanced": ("Trust the even measure in which you have lived, and enjoy the day.",),
}
CLOSING: Final[Table] = {
    "all": (
        "A chart is a map to look back along the road, and today's step is always your own.",
        "Take along the one line that stays with you; that is enough.",
        "To know the time to act and the time to rest makes the heart lighter.",
    ),
}
