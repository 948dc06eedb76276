"""Temperament: the day stem in its season, the month branch, the stage of the day."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table

SEASON: Final[Table] = {
    f"{stem}.{season}": (f"{born} in {season}, {picture}",)
    for stem, born, pictures in (
        (
            0,
            "Born as a tree",
            (
                "you are full of the will to grow.",
                "you are in full leaf and glad of water.",
                "you are timber being shaped for use.",
                "you wait under snow with deep patience.",
            ),
        ),
        (
            1,
            "Born as a flower",
            (
                "you fill the field with life.",
                "you bloom, and eyes turn to you.",
                "you stand the frost like a chrysanthemum.",
                "you keep your scent for the first sun.",
            ),
        ),
        (
            2,
            "Born as the sun",
            (
                "you are the morning that all have waited for.",
                "you stand high and free.",
                "you are the glow that ripens the fields.",
                "you are precious in a cold yard.",
            ),
        ),
        (
            3,
            "Born as a lamp",
            (
                "you brighten with each piece of work.",
                "you have heat enough, and calm is your strength.",
                "you are the light over a desk.",
                "you are the brazier that draws cold hands.",
            ),
        ),
        (
            4,
            "Born as a mountain",
            (
                "you are busy with new shoots.",
                "you are sun-baked, and ease is your rain.",
                "you hold a harvest and give freely.",
                "you are still under snow and wake with warmth.",
            ),
        ),
        (
            5,
            "Born as a field",
            (
                "you find work waiting to be sown.",
                "you need rest as soil needs a shower.",
                "you know how to bring a harvest home.",
                "you guard the seed until its time.",
            ),
        ),
        (
            6,
            "Born as iron",
            (
                "you prune and put things right.",
                "you pass through the furnace and come out better.",
                "you are in your own time, and decide sharply.",
                "you are cool and clear, and warmth does you good.",
            ),
        ),
        (
            7,
            "Born as a gem",
            (
                "you are dew among flowers, fair and fine.",
                "you stay safe by keeping a little cool distance.",
                "you are bright under a clear sky.",
                "you are clear as ice, and a kind word lights you.",
            ),
        ),
        (
            8,
            "Born as a river",
            (
                "you run for new places as the ice breaks.",
                "people come to you in the heat.",
                "your thoughts are deep and clear.",
                "you are a great sea, and lovelier in the sun.",
            ),
        ),
        (
            9,
            "Born as rain",
            (
                "you wake the seeds and are welcome.",
                "you are a rare shower, so spend yourself with care.",
                "you are cool dew with a clear head.",
                "you fall as snow and melt for warmth.",
            ),
        ),
    )
    for season, picture in zip(("spring", "summer", "autumn", "winter"), pictures, strict=True)
}

MONTH_BRANCH: Final[Table] = {
    0: ("The month branch Ja (子) lends the stillness of midnight: deep thought, and secrets kept.",),
    1: ("The month branch Chuk (丑) lends frozen ground that readies for spring: quiet endurance.",),
    2: ("The month branch In (寅) lends a dawn departure: no fear of beginnings.",),
    3: ("The month branch Myo (卯) lends the burst of buds: fine senses, and a love of people.",),
    4: ("The month branch Jin (辰) lends moist spring soil: room for many, and large dreams.",),
    5: ("The month branch Sa (巳) lends the opening of summer: a quick eye and a quick hand.",),
    6: ("The month branch O (午) lends the height of the sun: frank feelings, and drive.",),
    7: ("The month branch Mi (未) lends late summer's warm ground: a strong will and much heart.",),
    8: ("The month branch Sin (申) lends the first autumn wind: many skills, and swift judgement.",),
    9: ("The month branch Yu (酉) lends the firmness of ripe fruit: a clean finish.",),
    10: ("The month branch Sul (戌) lends embers kept under leaves: loyalty, and conviction.",),
    11: ("The month branch Hae (亥) lends the first waters of winter: breadth, and imagination.",),
}

STAGE: Final[Table] = {
    "birth": (
        "With {school}, the day branch stands at the life stage of birth: you find new beginnings everywhere.",
    ),
    "bath": (
        "With {school}, the day branch stands at the life stage of the bath: style and curiosity lead you.",
    ),
    "crown": (
        "With {school}, the day branch stands at the life stage of coming of age: you push on with youthful nerve.",
    ),
    "office": (
        "With {school}, the day branch stands at the life stage of office: you mean to stand on your own feet.",
    ),
    "peak": (
        "With {school}, the day branch stands at the life stage of the peak: pride comes with responsibility.",
    ),
    "decline": (
        "With {school}, the day branch stands at the life stage of decline: you step back and see more.",
    ),
    "illness": (
        "With {school}, the day branch stands at the life stage of illness: you feel what hurts others.",
    ),
    "death": (
        "With {school}, the day branch stands at the life stage of death: you go deep into one thing.",
    ),
    "tomb": (
        "With {school}, the day branch stands at the life stage of the tomb: you gather and keep well.",
    ),
    "severance": (
        "With {school}, the day branch stands at the life stage of severance: you are strong at new starts.",
    ),
    "conception": (
        "With {school}, the day branch stands at the life stage of conception: you dream of what is to come.",
    ),
    "nurture": (
        "With {school}, the day branch stands at the life stage of nurture: slow growing rewards you.",
    ),
}
