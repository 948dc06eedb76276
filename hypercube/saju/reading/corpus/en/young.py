"""What is said otherwise of a child: of the grown-up to be, of what shows early, and to those who bring it up."""

from typing import Final

from hypercube.saju.reading.corpus.en.gods import by_god
from hypercube.saju.reading.corpus.table import Table

TIME_OF_LIFE: Final[Table] = {
    "work": (
        "At this age play is the work, so read this as gifts that show early, not as a profession.",
        "A profession is far off: what follows is about which games and lessons make the eyes light up.",
        "This looks ahead to the grown-up to be; for now it is enough to let a liking run its course.",
        "Gifts show first at play, so watch what holds the attention longest.",
    ),
    "wealth": (
        "Earning comes much later; for now read this as the first habits of keeping and sharing.",
        "For a child, wealth means learning to wait, to take care of things and to share them.",
        "This looks far ahead to a grown-up's household; for now pocket money and patience are lesson enough.",
        "There is no household to run yet, so this is about how wishes are handled.",
    ),
    "relationships": (
        "Partners are a matter of years to come; here it is about family and friends.",
        "For a child the bonds that count are parents and playmates, so read this as ways of giving affection.",
        "This is the age of learning to love and be loved at home, and that is what is read here.",
        "How a child plays with others shows early how people will be treated later.",
    ),
    "advice": (
        "For the parents: half a step behind is better support than a step ahead.",
        "Notice the effort before the result, and the child grows firm at its own pace.",
        "Compare with yesterday, not with other children.",
        "Good food, good sleep and a day full of play are the best medicine at this age.",
    ),
}

STRUCTURE: Final[Table] = {
    key: (f"By the rule of 子平眞詮 this is {name}: {means}.",)
    for key, name, means in (
        (
            "eating_god_structure",
            "an eating god structure",
            "making, drawing and sharing show the gift first",
        ),
        (
            "hurting_officer_structure",
            "a hurting officer structure",
            "odd questions and quick words come early",
        ),
        (
            "indirect_wealth_structure",
            "an indirect wealth structure",
            "wide spaces and many playmates bring life",
        ),
        (
            "direct_wealth_structure",
            "a direct wealth structure",
            "things are looked after and built up piece by piece",
        ),
        ("indirect_officer_structure", "a seven killings structure", "a hard task makes the eyes flash"),
        (
            "direct_officer_structure",
            "a direct officer structure",
            "turns and promises are kept, and trust follows",
        ),
        (
            "indirect_resource_structure",
            "an indirect resource structure",
            "one thing is looked into for a long time",
        ),
        (
            "direct_resource_structure",
            "a direct resource structure",
            "stories and lessons are a joy, and praise helps growth",
        ),
        ("built_prosperity", "built prosperity", "everything wants to be tried alone first"),
        ("blade_structure", "a blade structure", "a full store of energy wants sport and games"),
        (
            "month_rival",
            "a month rival structure",
            "growing happens by competing and joining in with others of the same age",
        ),
    )
}
EXPOSED: Final[Table] = {
    "yes": ("That force shows in the stems, too, so the gift is seen early; give it a place to be shown.",),
    "no": ("It still lies in the ground, so wait as one waits for a late flower.",),
}
MONTH_STEM_GOD: Final[Table] = by_god(
    "With [star] in the month stem, [means].",
    "lessons go better in company of the same age",
    "a fair contest brings out the skill",
    "a favourite game is where the gift grows",
    "making up stories and mimicking come easily",
    "new places and new faces make the eyes shine",
    "small hands like to keep their own things in order",
    "a task that is a little too hard brings out courage",
    "a promise kept and a word of praise help growth",
    "quiet time to puzzle things out is needed",
    "what is read aloud is taken to heart",
)
MONTH_BRANCH_GOD: Final[Table] = by_god(
    "The month branch is [star], so [means].",
    "being trusted to try alone teaches responsibility",
    "games for many teach boldness",
    "games of making, feeding and caring are a pleasure",
    "a place to speak and to change things is the right school",
    "running about outdoors brings life",
    "praise that comes as steadily as the effort gives strength",
    "activities with rules and a clear aim build firmness",
    "a regular day and steady words bring calm",
    "one thing to dig into holds the attention long",
    "explaining a lesson to a friend fixes it",
)
YEAR_STEM_GOD: Final[Table] = by_god(
    "With [star] in the year stem, [means].",
    "growing up goes shoulder to shoulder with others",
    "holding on to a fair share is learned early",
    "childhood has its share of ease and good food",
    "an unusual gift is noticed early",
    "the world is seen early, and sums come quickly",
    "a thrifty home teaches care",
    "responsibility is learned early",
    "home values proper conduct",
    "thinking things through alone begins early",
    "elders give care and teaching",
)
HOUR_STEM_GOD: Final[Table] = by_god(
    "With [star] in the hour stem, growing up brings [means].",
    "more friends of one mind",
    "a taste for the contest",
    "ease and good taste",
    "an untiring urge to create",
    "a wider and wider stage",
    "careful hands",
    "a spirit that keeps in training",
    "trust",
    "late-blooming study",
    "learning and helpers",
)
GROUP_TOP: Final[Table] = {
    "peers": (
        "Among the ten gods the peers weigh most: a clear will, and strength for what was freely chosen.",
    ),
    "output": ("Among the ten gods the output stars weigh most: making, telling and showing are the gifts.",),
    "wealth": ("Among the ten gods the wealth stars weigh most: games with a result to see please most.",),
    "officers": ("Among the ten gods the officer stars weigh most: small duties bring out good sense.",),
    "resource": ("Among the ten gods the resource stars weigh most: learning comes naturally.",),
}
GROUP_ABSENT: Final[Table] = {
    "peers": ("No peer stands among the visible letters, so make many chances to find a friend.",),
    "output": (
        "No output star stands among the visible letters, so help thoughts out in pictures and stories.",
    ),
    "wealth": (
        "No wealth star stands among the visible letters, so let finished things be seen and praised.",
    ),
    "officers": ("No officer star stands among the visible letters, so settle the day's promises together.",),
    "resource": ("No resource star stands among the visible letters, so learn by doing, and read together.",),
}

WEALTH_KIND: Final[Table] = {
    "none": ("No wealth star stands in the letters or the hidden stems: doing pleases more than having.",),
    "hidden": ("The wealth star is only among the hidden stems: treasures are kept quietly.",),
    "direct": (
        "The only visible wealth star is direct wealth: filling a money box bit by bit is a pleasure.",
    ),
    "indirect": (
        "The only visible wealth star is indirect wealth: many wishes, so let one sleep a night first.",
    ),
    "both": (
        "Direct wealth and indirect wealth are both visible: keeping and spending are both fun, so divide early.",
    ),
}
WEALTH_STRENGTH: Final[Table] = {
    "strong.many": (
        "By place-points there is strength, and wealth stars as well: what is begun can be carried later on.",
    ),
    "strong.few": (
        "By place-points there is strength to spare and few wealth stars: offer more to play with.",
    ),
    "weak.many": (
        "By place-points strength wants saving while wealth stars are many: let one thing be chosen at a time.",
    ),
    "weak.few": (
        "By place-points strength and wealth stars are both scarce: taking care of little teaches ease.",
    ),
    "balanced.many": (
        "By place-points there is balance, and wealth stars are there: having and sharing come without strain.",
    ),
    "balanced.few": ("By place-points there is balance: a heart that can wait.",),
}
WEALTH_FLOW: Final[Table] = {
    "output": ("Output stars feed the wealth stars: giving away what was made is a joy.",),
    "officers": ("Wealth stars support the officer stars: every promise kept brings trust.",),
    "peers": ("Peers share the wealth stars: practise what is mine, yours and ours.",),
    "plain": ("The flow is simple, and one plain rule is the best lesson.",),
}
WEALTH_ELEMENT: Final[Table] = {
    "wood": (
        "The wealth element is Wood: raising a plant or choosing a book teaches what is worth keeping.",
    ),
    "fire": ("The wealth element is Fire: light, colour and stages are treasures.",),
    "earth": ("The wealth element is Earth: sand, soil and a corner of one's own are treasures.",),
    "metal": ("The wealth element is Metal: shining and exact things are treasures.",),
    "water": ("The wealth element is Water: water games, outings and new stories are treasures.",),
}
WEALTH_CLOSE: Final[Table] = {
    "all": (
        "This tells no fortune in advance; it asks which habits are worth beginning early.",
        "No chart decides how much there will be; show how to keep and to share.",
        "It is a long way off, so read it lightly, and start by shopping together.",
    ),
}

SPOUSE_PALACE: Final[Table] = by_god(
    "The day branch is [star]: [means].",
    "friends are met as equals, and a place of one's own is kept",
    "play is give and take, so let turns be taken",
    "meals and laughter together bring people closest",
    "good listeners are followed, and frank talk is liked",
    "lively friends with news to tell are liked best",
    "the one who is always there is followed",
    "spirited friends attract, so teach not to press each other",
    "courteous company brings calm",
    "being understood without words is hoped for, so help the words out",
    "whoever shelters and cares brings rest",
)
SPOUSE_STAR: Final[Table] = dict.fromkeys(
    (f"{sex}.{amount}" for sex in ("male", "female") for amount in ("none", "one", "many")), ()
)
"""Of a child nothing is said of a spouse."""
SPOUSE_DAY: Final[Table] = {
    "calm": ("The day branch is at odds with no other, so friendships last.",),
    "void": ("By the year pillar the day branch is void: when there are tears, a hug comes first.",),
}
RELATION_CLOSE: Final[Table] = {
    "all": (
        "How to treat people is learned at home more than it is born with.",
        "One grown-up who listens to the end is enough.",
        "Quarrels and making up are lessons, too; watch from a little way off.",
    ),
}
PLACES: Final[Table] = {
    "year.month": ("Roots and school meet there, so what is learned at home shows outside.",),
    "year.day": ("Roots and self are linked, and the love of these years stays as a foundation.",),
    "month.day": ("School and self touch, so what happens outside stays long in the heart.",),
    "month.hour": ("Doing and dreaming are linked, and today's games feed later hopes.",),
    "day.hour": ("Self and future are linked, so talk about dreams with those near gives strength.",),
}
SINSAL: Final[Table] = {
    "geumyeo": ("The golden carriage stands in {where}, a sign of grace.",),
    "hongyeom": ("The red charm stands in {where}, and people grow fond without effort.",),
    "geonrok": ("The prosperity star stands in {where}, the strength to do things by oneself.",),
    "yangin": ("The blade stands in {where}, drive that sport and lessons put to use.",),
    "baekho": ("The white tiger stands in {where}, great force that wants to run and climb.",),
    "sipak": ("The ten evils stand in {where}, so begin early to look after one's own things.",),
    "goran": ("The lonely phoenix stands in {where}, so leave room to play alone, too.",),
    "gosin": ("The lonely star stands in {where}, so bring along a friend to play with.",),
    "gwasuk": ("The widow star stands in {where}, so say that leaning on others is allowed.",),
    "gugin": ("The state seal stands in {where}, a sign of being trusted with small errands.",),
    "hyosin": ("The owl stands in {where}, so tell the child's will from the parents'.",),
}

RELATION: Final[Table] = {
    "stem_combination": (
        "Between {a} and {b} there is a stem combination: friends of one mind are easily found.",
    ),
    "triple_punishment": ("A triple punishment binds {a}: strength comes from keeping even hard rules.",),
}

HEALTH_SEASON: Final[Table] = {
    "spring": ("Born in spring, this child is easily stirred when the seasons turn: keep a fixed bedtime.",),
    "summer": ("Born in summer, this child warms up easily: allow for shade between games.",),
    "autumn": ("Born in autumn, this child dries out easily: juicy food and ample sleep are welcome.",),
    "winter": ("Born in winter, this child cools easily: keep warm drinks and a sunny seat at hand.",),
}

LUCK_STEM: Final[Table] = by_god(
    "Its stem is [star]: ten years of [means].",
    "finding an own voice and trying things alone",
    "growing bolder among others, and learning to share",
    "eating and playing well, with hands that grow skilled",
    "many questions and the wish to try what is new",
    "going further afield and meeting new people",
    "regular days that teach steadiness",
    "somewhat hard things that make strong",
    "learning rules and finding a part to play",
    "thinking alone and digging into what is liked",
    "learning, with helping hands all around",
)
LUCK_BRANCH: Final[Table] = by_god(
    "Its branch is [star]; in everyday life [means].",
    "more is tried alone",
    "more is shared with friends",
    "there is more room to breathe",
    "the wish to play freely stirs",
    "there is more coming and going",
    "a regular day matters more",
    "patience is practised",
    "order and promises find their place",
    "there is more time to think",
    "care and calm lie underneath",
)
LUCK_USEFUL: Final[Table] = {
    "yes": ("It holds {element}, useful by the balance school, so this is read as an easier stretch.",),
    "no": ("It holds no element that the balance school calls for: rest well and learn slowly.",),
}
PASSING: Final[Table] = {
    "clash": (
        "Between {who} and {b} there is a clash: a class or a room may change.",
        "{b} meets {who} in a clash: where things change, reassurance helps.",
    ),
    "punishment": (
        "Between {who} and {b} there is a punishment: small promises are best kept one by one.",
        "{b} meets {who} in a punishment: let things be done in order, not in haste.",
    ),
    "stem_combination": (
        "Between {who} and {b} there is a stem combination: a friend to play and learn with may come.",
        "{b} meets {who} in a stem combination: a hand is easily taken.",
    ),
    "triad": ("With {who} a triad is complete: many friends gather.",),
}
YEAR_STEM: Final[Table] = by_god(
    "The year's stem is [star]: [means].",
    "a year of wanting to do everything alone",
    "a year of many friends, and of a little envy",
    "a year in which learning, making and eating are a pleasure",
    "a year of new ideas and much to say",
    "a year of new places and outings",
    "a year in which steady practice sinks in",
    "a year of hard tasks mastered, and of growth",
    "a year of promises kept and praise earned",
    "a year to puzzle alone and find what is liked",
    "a year in which learning and helping grown-ups come together",
)
YEAR_BRANCH: Final[Table] = by_god(
    "The year's branch is [star], so in daily life [means].",
    "what was decided alone wants to be kept",
    "turns for shared things are best settled beforehand",
    "a little ease seeps in",
    "what feels too tight wants to be changed",
    "there are more roads and more faces",
    "own things are kept in order",
    "eating well and running about build up stamina",
    "things fall into a regular order",
    "a quiet place is looked for",
    "there is someone to lean on",
)
MONTH_NOW: Final[Table] = by_god(
    "This month's pillar is {pillar}, and its stem is [star]: [means].",
    "let the child go at its own pace",
    "a good month to learn how to share",
    "the game in hand goes well",
    "a good month to put thoughts into pictures or words",
    "a visit to a new place does good",
    "a good month to tidy up together",
    "take the hard things one by one, together",
    "what was promised is done smoothly",
    "time to play alone is medicine",
    "a friendly answer to every question gives strength",
)
ADVICE: Final[Table] = {
    "peers_excess": ("The will is strong, so play games in which one listens to the end.",),
    "resource_excess": ("Do not wait until thought is ripe; a small trial teaches best.",),
    "output_excess": ("Practise finishing one game before the next is begun.",),
    "wealth_excess": ("Fewer things at once and more friends make learning a joy.",),
    "officers_excess": ("Expectations weigh on this child, so say often that resting is allowed.",),
    "balanced": ("Much is there in even measure; trust it, and compare less.",),
}
CLOSING: Final[Table] = {
    "all": (
        "A chart is a map for understanding a child, and the way is chosen while growing up.",
        "Only the grain is given; what is made of it is made day by day, together.",
        "Take along the one line in which you see the child's face; that is enough.",
    ),
}
GLOSS: Final[Table] = {
    "wealth": (
        "Wealth stars are the letters that one governs, the thread by which keeping and sharing are read.",
    ),
    "spouse": ("The day branch is read for those who are closest.",),
}
