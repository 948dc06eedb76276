"""Options that several commands share, each with its one description."""

from pathlib import Path
from typing import Annotated

import typer

from hypercube.core.chart import Sex
from hypercube.core.reading import ReadingLanguage

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

Language = Annotated[ReadingLanguage, typer.Option(help="Of the text.")]
OtherServer = Annotated[
    str | None, typer.Option(help="Ask a running server (host:port of its gRPC) instead.")
]
Sources = Annotated[
    bool, typer.Option("--sources", help="Each sentence with the facts and schools it rests on.")
]
PlainText = Annotated[bool, typer.Option("--text", help="Plain text, no table.")]
