"""Temperament: the sixty day pillars, one picture each."""

from typing import Final

from hypercube.saju.reading.corpus.table import Table
from hypercube.saju.signs import PILLARS

_PICTURES: Final = """
a great tree by cold water, thirsty for learning
grass that keeps its roots in frozen ground, tougher than it looks
the sun rising over a forest, bright-faced and ambitious
moonlight on a meadow, tender and fine
a great mountain that holds water, large of measure
a sunny field, gentle outside and always learning
iron before the fire, upright at its post
a gem in dry soil, patient and true
a river from a rocky hill, never out of ideas
a clear spring between rocks, neat and long of memory
a lone tree on an autumn hill, able to manage life
a lotus on the water, soft and deep of heart
sunlight in a lake, careful behind a bright face
a brazier that thaws the ground, mild with a hot core
a mountain where a tiger lives, steady and dignified
a meadow where hares play, obliging and handy
a blade engraved with a dragon, grand in scale
a gem in firelight, neat with a rare eye
noon sun in a river, witty and winning
light rain on a warm field, kind and proud
a tree rooted on rock, stronger for hardship
a flower between rocks, fair and strict with itself
the sun going down in the west, warm and lingering
starlight over a lake, good-hearted and lucky in friends
a clear pool at the mountain's foot, thrifty and full
a broad field in winter, quiet and faithful
a white tiger running through woods, wide-ranging and bold
frost on a blade of grass, keen and deft
great waters where a dragon plays, big-hearted and capable
mist full of sun, clever and timely
a tree in flower like flame, expressive and ardent
grass in a sunny plot, hardy and observant
the sun sinking behind hills, gifted and worldly-wise
a jewel under candlelight, graceful and skilled
range upon range of mountains, firm in belief
a rice field by the river, supple and generous
a blade washed in cold water, clear-headed and outspoken
jade under snow, modest and deep
a river that waters a forest, giving and free
spring rain on new shoots, warm and artistic
a tree in moist spring soil, growing fast towards ideals
a flower that follows the sun, bright and quick to learn
the noon sun of midsummer, frank and unafraid
a campfire on a summer night, warm and gathering
a tall rock on an autumn mountain, easy and able
a field of ripe grain, careful with skilful hands
a general guarding a fortress, responsible and resolute
a gem washed in clear water, bright in speech and writing
a sea without a shore, generous and hard to fathom
water sinking into winter ground, patient with a long purpose
the master tree of the forest, independent and clear
grass that covers the spring plain, friendly and full of life
sunshine on a spring hill, generous and fostering
a lamp with oil enough, ardent and focused
a mountain with fire inside, quiet until it moves
deep soil of late summer, enduring with ways of its own
a mountain all of rock, frosty in judgement and loyal
a flawless gem, bent on perfection
a lake among mountains, reserved with staying power
water meeting water into an ocean, wise and embracing
"""
_ROMAN_STEMS: Final = ["Gap", "Eul", "Byeong", "Jeong", "Mu", "Gi", "Gyeong", "Sin", "Im", "Gye"]
_ROMAN_BRANCHES: Final = ["ja", "chuk", "in", "myo", "jin", "sa", "o", "mi", "sin", "yu", "sul", "hae"]

DAY_PILLAR: Final[Table] = {
    pillar.index: (
        f"The day pillar {_ROMAN_STEMS[pillar.stem.index]}-{_ROMAN_BRANCHES[pillar.branch.index]} "
        f"({pillar.hanja}) is drawn as {picture}.",
    )
    for pillar, picture in zip(PILLARS, _PICTURES.strip().split("\n"), strict=True)
}
