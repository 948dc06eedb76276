"""`hypercube terms` and `hypercube lunar`: the calendar under the charts."""

from typing import Annotated

import typer

from hypercube.cli.options import AsJson
from hypercube.cli.output import OUT, print_json
from hypercube.core.chart import Calendar


def terms(
    year: Annotated[int, typer.Argument(help="Civil year, 1800 to 2200.")],
    zone: Annotated[str, typer.Option(help="IANA zone whose clock is shown.")] = "Asia/Seoul",
    as_json: AsJson = False,
) -> None:
    """The 24 solar terms (절기) of a year."""
    from hypercube.cli.chart_view import terms_view
    from hypercube.saju.almanac import year_terms

    answer = year_terms(year, zone)
    if as_json:
        print_json(answer)
    else:
        OUT.print(terms_view(answer))


def lunar(
    date: Annotated[str, typer.Argument(help="Solar date YYYY-MM-DD; a lunar one with --lunar.")],
    from_lunar: Annotated[bool, typer.Option("--lunar", help="The date is a Korean lunar one.")] = False,
    leap_month: Annotated[bool, typer.Option("--leap-month", help="Of a lunar date: 윤달.")] = False,
    as_json: AsJson = False,
) -> None:
    """A day by the solar and the Korean lunar calendar."""
    from hypercube.cli.chart_view import lunar_view
    from hypercube.saju.almanac import lunar_day

    calendar = Calendar.LUNAR if from_lunar else Calendar.SOLAR
    answer = lunar_day(date, calendar=calendar, leap_month=leap_month)
    if as_json:
        print_json(answer)
    else:
        OUT.print(lunar_view(answer))
