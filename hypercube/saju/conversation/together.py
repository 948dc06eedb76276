"""Two people: what the compatibility rules count between their charts, in words."""

from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.conversation.known import said
from hypercube.saju.match import match

_KO: Final = {
    "day_stem_relation": "두 일간의 합충",
    "day_stem_element": "두 일간의 오행",
    "year_branch": "연지끼리",
    "month_branch": "월지끼리",
    "day_branch": "일지끼리",
    "hour_branch": "시지끼리",
    "spouse_star": "배우자 별",
    "element_complement": "서로 채우는 오행",
}
_EN: Final = {
    "day_stem_relation": "bonds of the two day stems",
    "day_stem_element": "elements of the two day stems",
    "year_branch": "year branches",
    "month_branch": "month branches",
    "day_branch": "day branches",
    "hour_branch": "hour branches",
    "spouse_star": "spouse stars",
    "element_complement": "elements that one brings the other",
}


def together_said(first: Chart, second: Chart, language: ReadingLanguage) -> list[ReadingSentence]:
    """The sum of points and its parts; what each part rests on, in Korean.

    Args:
        first: whose chart is asked about.
        second: the other person's.
        language: of the sentences.
    """
    found = match(first, second)
    counted = [each for each in found.parts if each.points]
    if language is ReadingLanguage.EN:
        parts = ", ".join(f"{_EN[each.name]} {each.points:+d}" for each in counted)
        return [
            said(
                f"The rules of version {found.version} count {found.score} points for the two of you.",
                "pillar.day",
            ),
            *([said(f"Of these: {parts}.", "pillar.day")] if parts else []),
            said("It is a sum of classical relations, an aid for comparing and no prediction.", "pillar.day"),
        ]
    sentences = [said(f"두 분의 궁합은 {found.version}판 규칙으로 {found.score}점입니다.", "pillar.day")]
    for each in counted:
        why = ", ".join(each.because)
        sentences.append(said(f"{_KO[each.name]} {each.points:+d}점: {why}.", "pillar.day"))
    last = "고전의 관계를 더한 점수이니, 견주어 보는 데 쓰는 것이지 앞날을 정하는 것은 아닙니다."
    return [*sentences, said(last, "pillar.day")]
