"""KASI's answers read from literal XML, and the comparison with ours."""

import datetime as dt

import pytest

from hypercube.core.calendar import LunarDate
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju.kasi_check import KasiLunarDay, KasiSource, KasiTerm, compare_lunar, compare_terms
from hypercube.saju.kasi_xml import read_items, read_lunar_days, read_terms
from hypercube.saju.solar_terms import solar_terms

HEADER = "<header><resultCode>00</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header>"


def answer(*items: str, header: str = HEADER) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><response>{header}<body><items>{"".join(items)}</items>'
        f"<numOfRows>10</numOfRows><pageNo>1</pageNo><totalCount>{len(items)}</totalCount></body></response>"
    )


def term(date: str, kst: str, longitude: int, name: str = "") -> str:
    return (
        f"<item><dateKind>03</dateKind><dateName>{name}</dateName><isHoliday>N</isHoliday><kst>{kst}</kst>"
        f"<locdate>{date}</locdate><seq>1</seq><sunLongitude>{longitude}</sunLongitude></item>"
    )


def lunar_day(lunar: str, leap: str, solar: str, length: str = "29", week: str = "수") -> str:
    names = ("lunYear", "lunMonth", "lunDay"), ("solYear", "solMonth", "solDay")
    fields = [
        f"<{name}>{value}</{name}>"
        for each, text in zip(names, (lunar, solar), strict=True)
        for name, value in zip(each, text.split("-"), strict=True)
    ]
    return (
        f"<item>{''.join(fields)}<lunLeapmonth>{leap}</lunLeapmonth><lunNday>{length}</lunNday>"
        f"<lunIljin>갑자(甲子)</lunIljin><lunSecha>계묘(癸卯)</lunSecha><lunWolgeon/><solWeek>{week}</solWeek></item>"
    )


def error_of(xml: str) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        read_items(xml)
    return caught.value


def test_terms_of_the_public_sample() -> None:
    (found,) = read_terms(answer(term("20190306", "0610", 345, "경칩")))
    assert found == KasiTerm(2019, 4, "경칩", dt.datetime(2019, 3, 6, 6, 10))
    assert compare_terms([found]) == []


def test_a_clock_with_a_trailing_blank() -> None:
    (found,) = read_terms(answer(term("20240505", "0910 ", 45, "입하")))
    assert found.published == dt.datetime(2024, 5, 5, 9, 10)


def test_minute_sixty_is_the_next_hour() -> None:
    """2019 대한 is published as 17:60; ours is 18:00 (17:59:30 or later)."""
    (found,) = read_terms(answer(term("20190120", "1760", 300, "대한")))
    assert found.published == dt.datetime(2019, 1, 20, 18, 0)
    assert compare_terms([found]) == []
    (late,) = read_terms(answer(term("20191231", "2360", 300)))
    assert (late.published, late.year) == (dt.datetime(2020, 1, 1), 2019)


@pytest.mark.parametrize(
    ("date", "kst", "longitude"),
    [
        ("20190230", "0610", 345),
        ("2019036", "0610", 345),
        ("20190306", "0661", 345),
        ("20190306", "2500", 345),
        ("20190306", "610", 345),
        ("20190306", "", 345),
        ("20190306", "0610", 346),
    ],
)
def test_an_item_that_cannot_be_read(date: str, kst: str, longitude: int) -> None:
    with pytest.raises(HyperCubeError) as caught:
        read_terms(answer(term(date, kst, longitude)))
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert "cannot be read" in caught.value.message


def test_every_term_has_its_number() -> None:
    for ours in solar_terms(2025):
        date, clock = ours.kst_minute.split("T")
        xml = answer(term(date.replace("-", ""), clock.replace(":", ""), ours.longitude_deg, ours.hangul))
        (found,) = read_terms(xml)
        assert found.k == ours.k
        assert compare_terms([found]) == []


def test_differences_and_what_would_explain_them() -> None:
    # Ours: 2024-02-04 17:27:07.593.
    off_by_one, gross, renamed = compare_terms(
        [
            KasiTerm(2024, 2, "입춘", dt.datetime(2024, 2, 4, 17, 26)),
            KasiTerm(2024, 2, "입춘", dt.datetime(2024, 2, 5, 17, 27)),
            KasiTerm(2024, 2, "우수", dt.datetime(2024, 2, 4, 17, 27)),
        ]
    )
    assert (off_by_one.minutes, off_by_one.gross) == (-1, False)
    assert off_by_one.ours_ms == "2024-02-04T17:27:07.593"
    assert off_by_one.least_shift_s == -37.594
    assert (gross.minutes, gross.gross) == (1_440, True)
    assert (renamed.minutes, renamed.gross, renamed.least_shift_s) == (0, True, 0)


def test_lunar_days() -> None:
    leap, ordinary = read_lunar_days(
        answer(lunar_day("2023-02-01", "윤", "2023-03-22"), lunar_day("2023-02-01", "평", "2023-02-20", "30"))
    )
    assert leap == KasiLunarDay(2023, 3, 22, LunarDate(2023, 2, 1, leap=True), 29)
    assert ordinary.lunar == LunarDate(2023, 2, 1)
    assert compare_lunar([leap, ordinary]) == []


def test_lunar_differences() -> None:
    day = KasiLunarDay(2023, 3, 22, LunarDate(2023, 3, 1), 29)
    length = KasiLunarDay(2023, 3, 22, LunarDate(2023, 2, 1, leap=True), 30)
    beyond = KasiLunarDay(2051, 1, 1, LunarDate(2050, 11, 19), None)
    found = compare_lunar([day, length, beyond])
    assert [each.solar for each in found] == ["2023-03-22", "2023-03-22", "2051-01-01"]
    assert str(found[0].ours) == "2023-윤02-01"
    assert (found[1].ours_month_days, found[1].kasi_month_days) == (29, 30)
    assert found[2].ours is None


def test_solar_dates_before_the_reform_are_julian() -> None:
    """KASI's first day is lunar 1391-01-01 = 5 February 1391, Julian; the eve of the reform is 9-18 of 1582."""
    xml = answer(
        lunar_day("1391-01-01", "평", "1391-02-05", "29"), lunar_day("1582-09-18", "평", "1582-10-04", "")
    )
    first, eve = read_lunar_days(xml)
    assert first.gregorian == dt.date(1391, 2, 13)
    assert eve.gregorian == dt.date(1582, 10, 14)
    assert KasiLunarDay(1582, 10, 15, eve.lunar, None).gregorian == dt.date(1582, 10, 15)
    assert compare_lunar([first, eve]) == []


@pytest.mark.parametrize(
    ("lunar", "leap", "solar"),
    [
        ("2023-02-01", "?", "2023-03-22"),
        ("2023-02-xx", "평", "2023-03-22"),
        ("2023-02-01", "평", "2023-02-30"),
        ("1500-02-01", "평", "1500-13-01"),
    ],
)
def test_a_lunar_item_that_cannot_be_read(lunar: str, leap: str, solar: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        read_lunar_days(answer(lunar_day(lunar, leap, solar)))
    assert caught.value.kind is ErrorKind.UNAVAILABLE


def test_no_data_is_no_items() -> None:
    assert read_items(answer()) == []
    header = "<header><resultCode>03</resultCode><resultMsg>NODATA_ERROR</resultMsg></header>"
    assert read_items(f"<response>{header}</response>") == []


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        ("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR", ErrorKind.FAILED_PRECONDITION),
        ("31", "DEADLINE_HAS_EXPIRED_ERROR", ErrorKind.FAILED_PRECONDITION),
        ("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", ErrorKind.OVERLOADED),
        ("12", "NO_OPENAPI_SERVICE_ERROR", ErrorKind.NOT_FOUND),
        ("10", "INVALID_REQUEST_PARAMETER_ERROR", ErrorKind.INVALID_ARGUMENT),
        ("05", "SERVICETIME_OUT", ErrorKind.UNAVAILABLE),
        ("99", "UNKNOWN_ERROR", ErrorKind.UNAVAILABLE),
        ("", "", ErrorKind.UNAVAILABLE),
    ],
)
def test_gateway_errors(code: str, reason: str, kind: ErrorKind) -> None:
    error = error_of(
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnAuthMsg>{reason}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode></cmmMsgHeader>"
        "</OpenAPI_ServiceResponse>"
    )
    assert error.kind is kind
    assert reason in error.message
    assert error.fix


def test_an_error_in_the_ordinary_header() -> None:
    error = error_of(
        "<response><header><resultCode>10</resultCode><resultMsg>INVALID</resultMsg></header></response>"
    )
    assert error.kind is ErrorKind.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "not xml",
        '{"response": {}}',
        "<html><body>502 Bad Gateway</body></html>",
        "<response/>",
        "<response>",
        '<!DOCTYPE a [<!ENTITY b "c">]><response>&b;</response>',
        "<response>" + " " * 4_000_000 + "</response>",
    ],
)
def test_what_is_not_an_answer(xml: str) -> None:
    error = error_of(xml)
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "not one of KASI's" in error.message
    assert len(str(error)) < 400


def test_a_stored_list_is_a_source() -> None:
    class Stored:
        def terms(self, year: int) -> list[KasiTerm]:
            return [KasiTerm(year, 2, "입춘", dt.datetime(2024, 2, 4, 17, 27))]

        def lunar_days(self, year: int, month: int) -> list[KasiLunarDay]:
            return [KasiLunarDay(year, month, 10, LunarDate(2024, 1, 1), 29)]

    source: KasiSource = Stored()
    assert compare_terms(source.terms(2024)) == []
    assert compare_lunar(source.lunar_days(2024, 2)) == []
