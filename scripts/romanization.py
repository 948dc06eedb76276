"""Revised Romanization of Korean place names (국어의 로마자 표기법, 2000), with the sound changes that it writes."""

from typing import Final

# A dash is a silent letter: ㅇ before a vowel, no final consonant.
_INITIALS: Final = [
    "g",
    "kk",
    "n",
    "d",
    "tt",
    "r",
    "m",
    "b",
    "pp",
    "s",
    "ss",
    "-",
    "j",
    "jj",
    "ch",
    "k",
    "t",
    "p",
    "h",
]
_VOWELS: Final = [
    "a",
    "ae",
    "ya",
    "yae",
    "eo",
    "e",
    "yeo",
    "ye",
    "o",
    "wa",
    "wae",
    "oe",
    "yo",
    "u",
    "wo",
    "we",
    "wi",
    "yu",
    "eu",
    "ui",
    "i",
]
_FINALS: Final = [
    "-",
    "g",
    "kk",
    "gs",
    "n",
    "nj",
    "nh",
    "d",
    "l",
    "lg",
    "lm",
    "lb",
    "ls",
    "lt",
    "lp",
    "lh",
    "m",
    "b",
    "bs",
    "s",
    "ss",
    "ng",
    "j",
    "ch",
    "k",
    "t",
    "p",
    "h",
]
_SOUNDED: Final = {
    "g": "k",
    "kk": "k",
    "k": "k",
    "d": "t",
    "s": "t",
    "ss": "t",
    "j": "t",
    "ch": "t",
    "t": "t",
} | {"b": "p", "p": "p", "h": "t", "l": "l", "m": "m", "n": "n", "ng": "ng"}
"""How a final consonant sounds before another or at the end."""
_NASAL: Final = {"k": "ng", "t": "n", "p": "m"}
_PLAIN_FINALS: Final = frozenset({"", *_SOUNDED})


def romanized(hangul: str) -> str:
    """Latin letters of a name: "강남" -> "Gangnam", "종로" -> "Jongno"; two final consonants are refused."""
    syllables = [divmod(ord(each) - 0xAC00, 28) for each in hangul]
    parts = []
    following = [_initial(head) for head, _ in syllables[1:]]
    initial = _initial(syllables[0][0])
    for i, (head, tail) in enumerate(syllables):
        final = _FINALS[tail].strip("-")
        if final not in _PLAIN_FINALS:
            raise ValueError(f"{hangul}: the final consonants {final!r} are not handled")
        vowel = _VOWELS[head % 21]
        onset = following[i] if i < len(following) else None
        written, next_initial = _junction(final, onset)
        parts.append(initial + vowel + written)
        initial = next_initial
    return "".join(parts).capitalize()


def _initial(head: int) -> str:
    return _INITIALS[head // 21].strip("-")


def _junction(final: str, onset: str | None) -> tuple[str, str]:
    """A final consonant and the initial after it, as they are written together."""
    if not final:
        return "", onset or ""
    sounded = _SOUNDED[final]
    if onset is None:
        return sounded, ""
    if onset == "":
        # The final opens the next syllable: 덕양 Deogyang, 밀양 Miryang; ㅇ stays.
        return (sounded, "") if final == "ng" else ("", "r" if final == "l" else final)
    if onset == "r":
        if sounded in ("l", "n"):
            return "l", "l"
        return _NASAL.get(sounded, sounded), "n"
    if onset in ("n", "m"):
        if sounded == "l" and onset == "n":
            return "l", "l"
        return _NASAL.get(sounded, sounded), onset
    return sounded, onset
