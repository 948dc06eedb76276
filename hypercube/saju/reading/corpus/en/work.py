"""Work and talent, sinsal."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table, a

STRUCTURE: Final[Table] = {
    "eating_god_structure": (
        "By the rule of 子平眞詮 this is an eating god structure: what you do well, done steadily, feeds you.",
    ),
    "hurting_officer_structure": (
        "By the rule of 子平眞詮 this is a hurting officer structure: unusual ideas and a ready tongue are your bread.",
    ),
    "indirect_wealth_structure": (
        "By the rule of 子平眞詮 this is an indirect wealth structure: wide stages, people and chances suit you.",
    ),
    "direct_wealth_structure": (
        "By the rule of 子平眞詮 this is a direct wealth structure: building up step by step earns you trust.",
    ),
    "indirect_officer_structure": (
        "By the rule of 子平眞詮 this is a seven killings structure: tense places bring out your skill.",
    ),
    "direct_officer_structure": (
        "By the rule of 子平眞詮 this is a direct officer structure: clear rules and duties win you confidence.",
    ),
    "indirect_resource_structure": (
        "By the rule of 子平眞詮 this is an indirect resource structure: a specialist's deep road is yours.",
    ),
    "direct_resource_structure": (
        "By the rule of 子平眞詮 this is a direct resource structure: learning, teaching and qualifications suit you.",
    ),
    "built_prosperity": (
        "By the rule of 子平眞詮 this is built prosperity: what your own hands make pleases you most.",
    ),
    "blade_structure": (
        "By the rule of 子平眞詮 this is a blade structure: a profession that handles great force suits you.",
    ),
    "month_rival": (
        "By the rule of 子平眞詮 this is a month rival structure: you grow by competing and joining hands.",
    ),
}

EXPOSED: Final[Table] = {
    "yes": ("That force shows in the stems, too, so your talent is plain to others.",),
    "no": ("It still lies in the ground, so qualifications or finished work will shorten the road.",),
}

_PLACED: Final = {
    "peer": (
        "peer",
        "you work best beside equals",
        "work that you answer for alone should be at the root of your profession",
        "you grew up shoulder to shoulder with others your age",
        "friends of one mind",
    ),
    "rival": (
        "rob wealth",
        "fair competition brings out your skill",
        "a field where many compete should be at the root of your profession",
        "you learned early to hold on to your share",
        "a taste for the contest",
    ),
    "eating_god": (
        "eating god",
        "what you like doing can become your work",
        "making, teaching or feeding people should be at the root of your profession",
        "childhood had its share of ease and good food",
        "ease and good taste",
    ),
    "hurting_officer": (
        "hurting officer",
        "you stand out by wit, speech and new plans",
        "room to speak and to improve things should be at the root of your profession",
        "you were noticed early for an unusual gift",
        "an untiring urge to create",
    ),
    "indirect_wealth": (
        "indirect wealth",
        "you have reach and a head for deals",
        "places where people and goods move should be at the root of your profession",
        "you saw the world early and learned to reckon",
        "a wider stage",
    ),
    "direct_wealth": (
        "direct wealth",
        "budgets and schedules are safe with you",
        "work that rewards steadiness should be at the root of your profession",
        "a thrifty home taught you how to keep house",
        "a well-kept house",
    ),
    "indirect_officer": (
        "seven killings",
        "you keep your nerve under strain",
        "a disciplined place with clear aims should be at the root of your profession",
        "you grew up early and learned to carry responsibility",
        "a spirit that keeps in training",
    ),
    "direct_officer": (
        "direct officer",
        "your good name in an organisation carries you up",
        "a steady post with a public role should be at the root of your profession",
        "you come from a home that valued proper conduct",
        "weight and credit",
    ),
    "indirect_resource": (
        "indirect resource",
        "an eye for the unusual sets you apart",
        "research, counsel or rare craft should be at the root of your profession",
        "you learned early to think things through alone",
        "late-blooming study",
    ),
    "direct_resource": (
        "direct resource",
        "learning is the footing of your career",
        "passing on what you have learned should be at the root of your profession",
        "you grew up with your elders' care and teaching",
        "learning and helpers",
    ),
}
"""By ten god: its name, and what it means in the month stem, the month branch, the year stem and the hour stem."""
MONTH_STEM_GOD: Final[Table] = {
    key: (f"With {a(god)} star in the month stem, {means}.",) for key, (god, means, *_) in _PLACED.items()
}
MONTH_BRANCH_GOD: Final[Table] = {
    key: (f"The month branch is {a(god)} star, so {means}.",) for key, (god, _, means, *_) in _PLACED.items()
}
YEAR_STEM_GOD: Final[Table] = {
    key: (f"With {a(god)} star in the year stem, {means}.",) for key, (god, _, _, means, _) in _PLACED.items()
}
HOUR_STEM_GOD: Final[Table] = {
    key: (f"With {a(god)} star in the hour stem, later years bring {means}.",)
    for key, (god, _, _, _, means) in _PLACED.items()
}

GROUP_TOP: Final[Table] = {
    "peers": ("Among the ten gods the peers weigh most: you thrive under your own name.",),
    "output": (
        "Among the ten gods the output stars weigh most: making, speaking and showing are your gifts.",
    ),
    "wealth": ("Among the ten gods the wealth stars weigh most: you have a sense for what is real.",),
    "officers": ("Among the ten gods the officer stars weigh most: responsibility makes you grow.",),
    "resource": ("Among the ten gods the resource stars weigh most: learning and teaching come naturally.",),
}

GROUP_ABSENT: Final[Table] = {
    "peers": ("No peer stands among the visible letters, so keep comrades near you on purpose.",),
    "output": (
        "No output star stands among the visible letters, so make yourself one outlet for your thoughts.",
    ),
    "wealth": ("No wealth star stands among the visible letters, so check results in numbers.",),
    "officers": (
        "No officer star stands among the visible letters, so let your own rules and deadlines be your boss.",
    ),
    "resource": ("No resource star stands among the visible letters, so learn by doing, and write it down.",),
}

SINSAL: Final[Table] = {
    key: (f"{star[0].upper()}{star[1:]} stands in {{where}}, {means}.",)
    for key, star, means in (
        (
            "cheoneul",
            "by common Korean usage the heavenly noble",
            "and a hand is held out where the road ends",
        ),
        ("cheondeok", "the heavenly virtue", "said to spare those who mean well the worst"),
        ("woldeok", "the monthly virtue", "so a generous nature is your shield"),
        ("munchang", "the literary star", "bright in writing, speech and examinations"),
        ("mungok", "the arts star", "which adds a sense for form"),
        ("hakdang", "the academy", "so learning is a lifelong pleasure"),
        ("taegeuk", "the great ultimate noble", "which sees things through to the end"),
        ("cheonju", "the heavenly kitchen", "and good company comes at table"),
        ("gugin", "the state seal", "a sign of trust in public matters"),
        ("geumyeo", "the golden carriage", "a sign of grace and a good companion"),
        ("amrok", "the hidden prosperity", "help from where nobody looks"),
        ("geonrok", "the prosperity star", "strength to earn your own bowl"),
        ("yangin", "the blade", "drive that becomes mastery in a profession"),
        ("biin", "the flying blade", "so allow a pause before word and deed"),
        ("hongyeom", "the red charm", "a quiet attraction"),
        ("nakjeong", "the star of falling in the well", "so look twice at your step and your promise"),
        ("baekho", "the white tiger", "great force for skilled or bodily work"),
        ("goegang", "the goegang", "a leader's nerve with clear likes and dislikes"),
        ("hyeonchim", "the hanging needle", "keenness for fingertip and tongue"),
        ("goran", "the lonely phoenix", "so bonds that respect your own time make you happier"),
        ("chachak", "the yin-yang mismatch", "so courtesy within the family keeps things easy"),
        ("sipak", "the ten evils", "so closing leaks beats grand plans with money"),
        ("hyosin", "the owl", "so tell your own will from your elders'"),
        ("dohwa_year", "the peach blossom by the year branch", "a charm that shines before people"),
        ("dohwa_day", "the peach blossom by the day branch", "a winning face and voice"),
        ("yeokma_year", "the travelling horse by the year branch", "and fortune opens with movement"),
        ("yeokma_day", "the travelling horse by the day branch", "and chances follow as you move"),
        ("hwagae_year", "the canopy by the year branch", "a heart for art, faith and study"),
        ("hwagae_day", "the canopy by the day branch", "so time alone makes you shine"),
        ("wonjin", "the resentment star", "so be the first to ask"),
        ("gwimun", "the ghost gate", "intuition that turns to talent in creating"),
        ("cheonra", "the net of heaven", "and helping others opens the way"),
        ("jimang", "the net of earth", "so one principled step at a time is fastest"),
        ("gosin", "the lonely star", "so find someone to share your quiet with"),
        ("gwasuk", "the widow star", "so learn to lean, too, strong as you are"),
        ("sangmun", "the mourning gate", "a heart that shares sorrow"),
        ("jogaek", "the condoler", "one who runs first to those in need"),
        ("cheonui", "the heavenly healer", "close to work that cares for people"),
        ("geupgak", "the lame leg", "so slow down by a step when in haste"),
        ("bokseong", "the fortune star", "small returns beyond the effort"),
        ("yuksu", "the six elegances", "fine gifts and a neat finish"),
        ("ildeok", "the day virtue", "so giving keeps you safe"),
        ("geumsin", "the metal spirit", "great force after tempering"),
        ("cheonsa", "the heavenly pardon", "faults that loosen kindly"),
    )
}
