"""The words of the lexicon as English texts write them: romanised in two ways, translated, spaced or joined."""

import re
from typing import Final

from hypercube.saju.grounding.lexicon import ANIMALS, GODS_ENGLISH
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

PINYIN_STEMS: Final = ["Jia", "Yi", "Bing", "Ding", "Wu", "Ji", "Geng", "Xin", "Ren", "Gui"]
PINYIN_BRANCHES: Final = ["Zi", "Chou", "Yin", "Mao", "Chen", "Si", "Wu", "Wei", "Shen", "You", "Xu", "Hai"]
ROMAN_STEMS: Final = ["Gap", "Eul", "Byeong", "Jeong", "Mu", "Gi", "Gyeong", "Sin", "Im", "Gye"]
ROMAN_BRANCHES: Final = ["Ja", "Chuk", "In", "Myo", "Jin", "Sa", "O", "Mi", "Sin", "Yu", "Sul", "Hae"]
_OTHER_BRANCHES: Final = {"Inn": 2, "Oh": 6, "Shin": 8, "Yoo": 9, "Yu": 9, "Sool": 10, "Sul": 10}
_OTHER_STEMS: Final = {"Kap": 0, "Byung": 2, "Jung": 3, "Moo": 4, "Kyung": 6, "Shin": 7}
_ELEMENT_WORDS: Final = {"wood": "mok", "fire": "hwa", "earth": "to", "metal": "geum", "water": "su"}


def _pillars() -> dict[str, int]:
    """Without what joins the two: `jiazi`, `gapja`; and translated: `wood rat`."""
    found: dict[str, int] = {}
    for each in PILLARS:
        for stems, branches in ((PINYIN_STEMS, PINYIN_BRANCHES), (ROMAN_STEMS, ROMAN_BRANCHES)):
            found[f"{stems[each.stem.index]}{branches[each.branch.index]}".lower()] = each.index
        for name, index in ANIMALS.items():
            if index == each.branch.index:
                found[f"{each.stem.element}{name}"] = each.index
    return found


def _word(names: list[str]) -> str:
    return "|".join(sorted({*names, *(name.lower() for name in names)}, key=len, reverse=True))


_PILLAR_ROMAN: Final = _pillars()
PILLAR_PATTERN: Final = (
    rf"\b(?:(?:{'|'.join(PINYIN_STEMS)})(?: (?:{'|'.join(PINYIN_BRANCHES)})|-?(?:{_word(PINYIN_BRANCHES)}))"
    rf"|(?:{'|'.join(ROMAN_STEMS)})(?: (?:{'|'.join(ROMAN_BRANCHES)})|-?(?:{_word(ROMAN_BRANCHES)}))"
    rf"|(?:(?:[Yy]ang|[Yy]in)[ -])?(?:Wood|Fire|Earth|Metal"
    rf"|Water)[ -](?:{'|'.join(name.capitalize() for name in ANIMALS)}))\b"
)


def pillar_of(text: str) -> int | None:
    """Sexagenary index of `Jia-Zi`, `Gap Ja`, `Yang Wood Rat`; None for two that never meet."""
    bare = re.sub(r"^(?:yang|yin)[ -]", "", text.lower())
    return _PILLAR_ROMAN.get(re.sub(r"[ -]", "", bare))


STEM_ROMAN: Final = {
    **{
        f"{names[each.index]}{join}{form}".lower(): each.index
        for names in (PINYIN_STEMS, ROMAN_STEMS)
        for each in STEMS
        for join in (" ", "-")
        for form in (each.element, _ELEMENT_WORDS[each.element])
    },
    **{f"{each.polarity} {each.element}": each.index for each in STEMS},
    **{f"{ROMAN_STEMS[each.index]}{_ELEMENT_WORDS[each.element]}".lower(): each.index for each in STEMS},
    **{
        f"{name}{join}{form}".lower(): index
        for name, index in _OTHER_STEMS.items()
        for join in (" ", "-")
        for form in (STEMS[index].element, _ELEMENT_WORDS[STEMS[index].element])
    },
}
STEM_BARE: Final = {
    name: index
    for names in (PINYIN_STEMS, ROMAN_STEMS)
    for index, name in enumerate(names)
    if name not in ("Im", "Sin")
}
"""Only where a place says that it is one: "the month stem is Geng"."""
BRANCH_BARE: Final = {
    **{name: index for index, name in enumerate(PINYIN_BRANCHES) if name != "You"},
    **{name: index for index, name in enumerate(ROMAN_BRANCHES) if name not in ("In", "O", "Sin")},
    **_OTHER_BRANCHES,
    **{name.capitalize(): index for name, index in ANIMALS.items()},
    **{
        f"{BRANCHES[index].element.capitalize()} {name.capitalize()}": index
        for name, index in ANIMALS.items()
    },
}
"""Only where a place or "sits" says that it is one: "the day branch is Chen", "the Dog sits beneath you"."""

_GROUPS: Final = {
    "peers": ("peer", "companion", "friend", "parallel", "sibling"),
    "output": ("output",),
    "wealth": ("wealth",),
    "officers": ("officer", "power", "authority"),
    "resource": ("resource",),
}
GODS: Final = {
    **GODS_ENGLISH,
    "friend": "peer",
    "companion": "peers",
    "robbing wealth": "rival",
    "robbery of wealth": "rival",
    "food god": "eating_god",
    "output god": "eating_god",
    "proper wealth": "direct_wealth",
    "unconventional wealth": "indirect_wealth",
    "7 killings": "indirect_officer",
    "seven killing": "indirect_officer",
    "indirect authority": "indirect_officer",
    "direct authority": "direct_officer",
    "proper officer": "direct_officer",
    "direct seal": "direct_resource",
    "proper seal": "direct_resource",
    "indirect seal": "indirect_resource",
    "bigyeon": "peer",
    "geopjae": "rival",
    "geobjae": "rival",
    "siksin": "eating_god",
    "sikshin": "eating_god",
    "sanggwan": "hurting_officer",
    "sangkwan": "hurting_officer",
    "pyeonjae": "indirect_wealth",
    "jeongjae": "direct_wealth",
    "pyeongwan": "indirect_officer",
    "chilsal": "indirect_officer",
    "jeonggwan": "direct_officer",
    "pyeonin": "indirect_resource",
    "jeongin": "direct_resource",
    **{
        f"{word} {noun}": group
        for group, words in _GROUPS.items()
        for word in words
        for noun in ("star", "element", "stars", "god")
        if (word, noun)
        not in (("eating", "god"), ("wealth", "element"), ("power", "element"), ("output", "god"))
    },
}
for _name in ("friend", "companion"):
    GODS.pop(_name)
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""Of the civil year."""
