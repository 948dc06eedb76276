"""Facts of a chart that have to do with time, in Korean: luck, periods, age, the clock and its corrections."""

from typing import Final

from hypercube.core.chart import TimeBasis
from hypercube.core.reading import ReadingSentence
from hypercube.core.signs import Pillar
from hypercube.saju.conversation.known import Known, plain_age, said, span_of
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.josa import with_particle

_UNITS: Final = ("시간", "분", "초")
_ZODIAC: Final = tuple(lexicon.ZODIAC)[:12]


def pillar_name(pillar: Pillar) -> str:
    """경오(庚午)."""
    return f"{pillar.hangul}({pillar.hanja})"


def luck(known: Known, detail: str) -> list[ReadingSentence]:
    """대운: when it starts, which is in force, which comes, or all."""
    found = known.chart.luck
    if found is None:
        if known.chart.options.sex is None:
            return [
                said("대운은 성별에 따라 방향이 달라지니, 성별을 알려 주시면 말씀드립니다.", "pillar.year")
            ]
        return [said("태어난 시를 몰라 대운이 바뀌는 때를 하나로 말할 수 없습니다.", "pillar.month")]
    way = "순행" if found.forward else "역행"
    first, now = found.pillars[0], known.luck_now
    start = said(
        f"대운은 {way}하며, {plain_age(first)}세에 {pillar_name(first.pillar)} 대운으로 시작합니다.",
        "luck.start",
        "luck.0",
    )
    if detail == "start":
        return [start]
    if detail == "now":
        if now is None:
            return [said("아직 첫 대운이 시작되기 전입니다.", "luck.start"), start]
        each = found.pillars[now]
        return [
            said(
                f"지금은 {each.start_date[:4]}년, {plain_age(each)}세에 시작한 {pillar_name(each.pillar)} 대운입니다.",
                f"luck.{now}",
            )
        ]
    if detail == "next":
        at = 0 if now is None else now + 1
        if at >= len(found.pillars):
            return [said("헤아려 둔 열 번째 대운을 지나고 있어, 다음 대운은 적지 않았습니다.", "luck.start")]
        each = found.pillars[at]
        return [
            said(
                f"다음은 {each.start_date[:4]}년, {plain_age(each)}세에 시작하는 "
                f"{pillar_name(each.pillar)} 대운입니다.",
                f"luck.{at}",
            )
        ]
    walk = ", ".join([f"{plain_age(each)}세 {pillar_name(each.pillar)}" for each in found.pillars])
    ids = [f"luck.{at}" for at in range(len(found.pillars))]
    all_of_them = said(f"대운은 {walk} 순서로 이어집니다.", *ids)
    return [start, all_of_them, *(luck(known, "now") if now is not None else [])]


def periods(known: Known, detail: str) -> list[ReadingSentence]:
    """세운·월운·일진."""
    now = known.chart.periods
    if now is None:
        return []
    each = {
        "year": (f"{now.as_of.date} 기준으로 올해는 {pillar_name(now.year.pillar)}년입니다.", "period.year"),
        "month": (f"이번 달은 {pillar_name(now.month.pillar)}월입니다.", "period.month"),
        "day": (f"오늘 {now.as_of.date}의 일진은 {pillar_name(now.day.pillar)}입니다.", "as_of"),
    }
    return [said(*each[one]) for one in ((detail,) if detail else tuple(each))]


def zodiac(known: Known, _: str) -> list[ReadingSentence]:
    """띠."""
    branch = known.places["year"].pillar.branch
    return [
        said(f"연지가 {branch.hangul}({branch.hanja})이므로 {_ZODIAC[branch.index]}입니다.", "branch.year")
    ]


def lunar(known: Known, _: str) -> list[ReadingSentence]:
    """음력 생일."""
    date = known.chart.lunar
    if date is None:
        return [said("이 날짜의 음력은 갖추어 둔 달력 범위 밖에 있습니다.", "pillar.day")]
    leap = "윤" if date.leap else ""
    return [said(f"음력 생일은 {date.year}년 {leap}{date.month}월 {date.day}일입니다.", "pillar.day")]


def age(known: Known, _: str) -> list[ReadingSentence]:
    """나이."""
    if known.age is None:
        return []
    return [said(f"{known.as_of} 기준으로 만 {known.age}세입니다.", "as_of")]


def clock(known: Known, _: str) -> list[ReadingSentence]:
    """What was done to the clock, and the nearest 절."""
    chart = known.chart
    term, since = chart.boundary.nearest_term, chart.boundary.term_distance_s
    side = "전" if since < 0 else "뒤"
    days, rest = divmod(abs(since), 86_400)
    gap = f"{days}일 {rest // 3_600}시간" if days else span_of(since, _UNITS)
    near = said(
        f"가장 가까운 절은 {term.hangul}({term.hanja})이고, 그로부터 {gap} {side}에 태어났습니다.",
        "pillar.month",
    )
    return [*corrections(known), near]


def _object(seconds: int) -> str:
    """31분 58초를, 30분을."""
    return with_particle(span_of(seconds, _UNITS), "을")


def corrections(known: Known) -> list[ReadingSentence]:
    """Every step from the clock to the time that decided the pillars; nothing where nothing was done."""
    chart, steps = known.chart, known.chart.corrections
    if not chart.instant.exact:
        return [said("태어난 시를 몰라 시각 보정 없이 날짜로만 세웠습니다.", "pillar.day")]
    done = []
    if steps.dst_s > 0 and chart.options.time_basis is not TimeBasis.CIVIL:
        done.append(f"서머타임 {_object(steps.dst_s)} 빼고")
    if steps.longitude_s:
        sign = "빼고" if steps.longitude_s < 0 else "더하고"
        done.append(f"경도 차이 {_object(steps.longitude_s)} {sign}")
    if steps.equation_of_time_s:
        sign = "빼고" if steps.equation_of_time_s < 0 else "더하고"
        done.append(f"균시차 {_object(steps.equation_of_time_s)} {sign}")
    if not done:
        return [said("시계 시각을 보정 없이 그대로 썼습니다.", "pillar.day")]
    basis = "진태양시" if chart.options.time_basis is TimeBasis.TRUE_SOLAR else "평균태양시"
    local = chart.instant.solar.replace("T", " ")
    return [said(f"시계 시각에서 {', '.join(done)}, {basis} {local}로 보았습니다.", "pillar.day")]
