"""Elements, yin and yang, bonds and conflicts, and what the words mean."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

ELEMENT_TOP: Final[Table] = {
    "wood": ("By weight Wood leads the five elements with {share}%, so growing and learning drive you.",),
    "fire": ("By weight Fire leads the five elements with {share}%, so expression and ardour drive you.",),
    "earth": (
        "By weight Earth leads the five elements with {share}%, so keeping and holding are your centre.",
    ),
    "metal": (
        "By weight Metal leads the five elements with {share}%, so principle and decision come first.",
    ),
    "water": ("By weight Water leads the five elements with {share}%, so thought and flow carry you.",),
}

ELEMENT_MISSING: Final[Table] = {
    "wood": ("No visible letter is Wood, so make occasions to begin, and write your plans down.",),
    "fire": ("No visible letter is Fire, so say what you feel, and seek sun and laughter.",),
    "earth": ("No visible letter is Earth, so a fixed place and a steady day will anchor you.",),
    "metal": (
        "No visible letter is Metal, so settle beforehand what you will refuse and when you will stop.",
    ),
    "water": ("No visible letter is Water, so put rest and quiet into the calendar first.",),
}

ELEMENT_FULL: Final[Table] = {
    "all": (
        "All five elements are among the visible letters, so there is a card to play in any situation.",
        "The five elements are all present; where one way is closed, another is open.",
    ),
}

POLARITY: Final[Table] = {
    "yang": (
        "Counted by letter there are {yang} yang and {yin} yin, so you move first and think on the way.",
    ),
    "yin": ("Counted by letter there are {yang} yang and {yin} yin, so you look well before you move.",),
    "even": ("Yin and yang letters are equal in number, so advance and retreat keep time.",),
}

RELATION: Final[Table] = {
    "stem_combination": (
        "Between {a} and {b} there is a stem combination: what you show of yourself attracts its like.",
        "A stem combination joins {a} and {b}, and proposals to work together come often.",
    ),
    "stem_clash": (
        "Between {a} and {b} there is a stem clash: let a divided mind rest, and the answer comes.",
        "A stem clash sets {a} against {b}, which keeps your thinking supple.",
    ),
    "six_combination": (
        "Between {a} and {b} there is a six combination: affection grows thick among those near.",
        "A six combination pairs {a} with {b}, and you find people who work in step.",
    ),
    "half_triad": (
        "Between {a} and {b} there is a half triad: companions lend their strength.",
        "A half triad joins {a} and {b}, so shared work bears fruit.",
    ),
    "arched_triad": (
        "Between {a} and {b} there is an arched half triad: the one who fills the gap makes it grow.",
        "An arched half triad leans {a} towards {b}, a promise that ripens with patience.",
    ),
    "half_direction": (
        "Between {a} and {b} there is a directional pair: like-minded people stand by you.",
        "A directional pair puts {a} beside {b}, and neighbours turn into friends.",
    ),
    "clash": (
        "Between {a} and {b} there is a clash: change is frequent, and so are new roads.",
        "A clash of {a} and {b} stirs what stood still; moving need not be feared.",
    ),
    "punishment": (
        "Between {a} and {b} there is a punishment: setting things right becomes a skill.",
        "A punishment ties {a} to {b}: a rule agreed beforehand spares both sides.",
    ),
    "mutual_punishment": (
        "Between {a} and {b} there is a mutual punishment: the closer, the better manners help.",
        "A mutual punishment sets {a} and {b} apart: a soft word goes a long way at home.",
    ),
    "self_punishment": (
        "Between {a} and {b} there is a self punishment: lower the voice that drives you.",
        "A self punishment doubles {a} and {b}: judge yourself as kindly as a friend.",
    ),
    "break": (
        "Between {a} and {b} there is a break: check once more what is nearly done.",
        "A break runs between {a} and {b}, so keep a second plan in the drawer.",
    ),
    "harm": (
        "Between {a} and {b} there is a harm: speak of small hurts before they pile up.",
        "A harm crosses {a} and {b}: ask once more before you assume.",
    ),
    "resentment": (
        "Between {a} and {b} there is a resentment: a little distance brings the tenderness back.",
        "A resentment cools {a} and {b} at times: say thanks aloud, and say it often.",
    ),
    "ghost_gate": (
        "Between {a} and {b} there is a ghost gate: intuition is keen and wants a work to go into.",
        "A ghost gate opens between {a} and {b}: what you sense is worth writing down.",
    ),
    "triad": ("A triad unites {a}: people of one purpose gather for something large.",),
    "direction": ("A directional trio unites {a}: the force of a whole season is behind you.",),
    "triple_punishment": ("A triple punishment binds {a}: in offices that put things right you are strong.",),
}

PLACES: Final[Table] = {
    "year.month": (
        "Roots and society meet there, so family hopes and your own course are weighed together.",
    ),
    "year.day": ("Roots and self are linked, and childhood made much of who you are.",),
    "year.hour": ("First and last are linked, and seeds sown long ago are gathered late.",),
    "month.day": ("Society and self touch, so matters of work become matters of the heart.",),
    "month.hour": ("What you do and what you dream are linked, and today's career feeds later hopes.",),
    "day.hour": ("Self and future are linked, so the future drawn with those near you matters.",),
}

GLOSS: Final[Table] = {
    "day_master": ("The day master is the stem of the day of birth, the letter that stands for yourself.",),
    "strength": ("Strength weighs the letters that support you against those that use you.",),
    "structure": ("The structure tells from the month of birth on which stage a life mostly plays.",),
    "wealth": ("Wealth stars are the letters that you govern, the thread by which money is read.",),
    "spouse": ("The day branch has always been called the spouse's seat.",),
    "luck": ("Luck pillars are great seasons that change every ten years.",),
    "year": ("The year's pillar rules from one Ipchun to the next.",),
    "useful": ("A useful god is the force that balances a chart; schools choose it differently.",),
}
