"""Options that several commands share, each with its one description."""

from pathlib import Path
from typing import Annotated

import typer

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import DayBoundary, Sex, TimeBasis
from hypercube.core.reading import ReadingLanguage
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default ./hypercube.toml if there.")
]

BirthSex = Annotated[Sex | None, typer.Option(help="Decides the direction of luck pillars.")]
Place = Annotated[str | None, typer.Option(help="Seoul, 부산, 강남구, Portland, US-OR …")]
Longitude = Annotated[float | None, typer.Option(help="Degrees east; overrides the place's.")]
Zone = Annotated[str | None, typer.Option(help="IANA zone. Default: the place's, else Asia/Seoul.")]
Lunar = Annotated[bool, typer.Option("--lunar", help="The date is a Korean lunar one (음력).")]
LeapMonth = Annotated[bool, typer.Option("--leap-month", help="Of a lunar date: the leap month (윤달).")]
AsOf = Annotated[
    str | None, typer.Option(help="The day that counts as now. Default: today in the birth zone.")
]

Basis = Annotated[
    TimeBasis | None, typer.Option(help="Default: mean_solar with a place or longitude, else civil.")
]
Boundary = Annotated[DayBoundary, typer.Option(help="What 23:00-24:00 belongs to.")]
Fold = Annotated[int | None, typer.Option(help="0 or 1: which pass of a repeated or skipped civil time.")]
AgeCount = Annotated[LuckAge, typer.Option(help="How the age of luck is counted.")]
HiddenStems = Annotated[HiddenStemSet, typer.Option(help="School of 지장간.")]
LifeStages = Annotated[LifeStageSchool, typer.Option(help="School of 12운성.")]
Blade = Annotated[BladeSchool, typer.Option(help="School of 양인.")]
Goegang = Annotated[GoegangSchool, typer.Option(help="School of 괴강.")]

Language = Annotated[ReadingLanguage, typer.Option(help="Of the text.")]
OtherServer = Annotated[
    str | None, typer.Option(help="Ask a running server (host:port of its gRPC) instead.")
]
Sources = Annotated[
    bool, typer.Option("--sources", help="Each sentence with the facts and schools it rests on.")
]
PlainText = Annotated[bool, typer.Option("--text", help="Plain text, no table.")]
