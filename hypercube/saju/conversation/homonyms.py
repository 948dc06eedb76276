"""Terms of the field that are everyday words, too: a night owl, a blade server, 직장 상관, 신약 개발."""

import re
from typing import Final

_KOREAN: Final = re.compile(
    r"상관(?: ?없|이 ?없| 있|하지|관계|님|한테|에게|이랑(?= ?(?:싸|다투|다퉜|사이|갈등|안 ?맞|잘 ?맞|말|일)))"
    r"|직장 ?상관|정인(?: ?군)|인성(?:이 (?:나쁘|좋|바르)|교육)|정관 ?(?:수술|복원)"
    r"|신약(?: ?(?:개발|임상|출시|허가|후보|연구))|식상[하해한했]"
)
_ENGLISH: Final = re.compile(
    r"\b(?:owls?|blades?|academy|condoler|void|seasons?|structures?|corrections?|corrected|correct|longitude)\b",
    re.IGNORECASE,
)
_OF_A_CHART: Final = re.compile(
    r"\bmy\b|\bcharts?\b|\bpillars?\b|\bsaju\b|\bba ?zi\b|\bsinsal\b|\bdo i\b|\bhave\b|\bborn\b|\bwas i\b|\bsolar\b"
    r"|\bbirth|[가-힣]",
    re.IGNORECASE,
)


def without_homonyms(text: str) -> str:
    """A turn without the words that are no terms where they stand.

    Args:
        text: what the user wrote.
    """
    text = _KOREAN.sub(" ", text)
    return text if _OF_A_CHART.search(text) else _ENGLISH.sub(" ", text)
