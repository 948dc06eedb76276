"""Numbers that are no births: telephone and account numbers, prices, ages, counts. They are blanked before reading."""

import re
from typing import Final

_UNITS: Final = (
    "원|만원|만 ?원|천원|백만|억|달러|불|엔|위안|유로|퍼센트|프로|키로|킬로|그램|센치|미터|명|번째|"
    "번지|번|개월|개|잔|"
    "병|장|층|호실|호|호선|평|살|세(?=[\\s,.)!?이인에예입부의])|점|등|위|회|건|쪽|페이지|권|편|"
    "인분|박|주(?=[\\s,.]|년|일|째|차|간|뒤|후|전)|kg|km|cm|mm|"
    "usd|krw|won|dollars?|percent|years? old|yrs? old|yo\\b|times|people|minutes? ago|hours? ago|"
    "days?\\b|weeks?\\b|"
    "months?\\b|years?(?= (?:ago|later|from))|"
    "시간(?!\\s?(?:[:은\\d]|모[름르릅]|몰[라랐]|미상|불명|불확실))|분간|초간|일간|일째|일 ?(?:뒤|"
    "후|전|동안|만에)|년 ?(?:뒤|후|전|동안|만에|간|째|차)|"
    "달 ?(?:뒤|후|전)|학년|학번|차|기|반(?=[\\s,.이])|도(?=씨|까지)|%"
)
_MASKS: Final = (
    # URLs and addresses of mail.
    re.compile(r"(?:https?://|www\.)\S{1,200}|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}"),
    # Telephones: 010-1234-5678, 02 123 4567, 1588-1234, +82-10-…
    re.compile(
        r"(?<![\d-])(?:\+?82[- ]?)?0?(?:1[016789]|2|[3-6]\d|70|80|505)[-. )]{1,2}\d{3,4}[- .]\d{4}(?![\d-])"
    ),
    re.compile(r"(?<!\d)01[016789]\d{7,8}(?!\d)"),
    re.compile(r"(?<![\d-])1[5-8]\d\d-\d{4}(?![\d-])"),
    # Accounts, cards: three or more groups, one of them of four digits or more, beyond a date's shape.
    re.compile(r"(?<![\d-])\d{2,6}-\d{2,6}-\d{5,8}(?![\d-])|(?<!\d)\d{4}-\d{4}-\d{4}(?:-\d{4})?(?!\d)"),
    # Numbers named as such.
    re.compile(
        r"(?:인증 ?번호|인증 ?코드|주문 ?번호|예약 ?번호|계좌 ?번호|우편 ?번호|비밀 ?번호|비번|송장 "
        r"?번호|카드 ?번호|전화 ?번호|사업자 ?번호|코드"
        r"|order(?: (?:no\.?|number))?|code|password|pin|otp|zip(?: code)?|version|ver\.?|"
        r"room)[은는이가:# ]{0,4}(?:is )?[\d][\d-]{1,30}"
    ),
    # Amounts and counts.
    re.compile(r"[$₩€£¥]\s?\d[\d,.]{0,20}"),
    re.compile(
        rf"(?<![\d.:/-])\d{{1,3}}(?:,\d{{3}}){{1,6}}(?!\d)|(?<![\d:/.-])\d[\d,.]{{0,15}}\s?(?:{_UNITS})"
    ),
    # Decades and spans of years.
    re.compile(r"(?<!\d)\d{2,4}년대(?:생|초|중|말)?|\b(?:19|20)?\d0'?s\b"),
    re.compile(r"(?<!\d)(?:v|버전 ?)\d{1,4}(?:\.\d{1,4}){1,3}"),
    re.compile(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])"),
)


def masked(text: str) -> str:
    """The canonical text with what is no birth blanked, at the same length."""
    for pattern in _MASKS:
        text = pattern.sub(lambda match: "\x00" * len(match[0]), text)
    return text
