"""`hypercube compatibility`: two people, or one and several, compared here or by a running server."""

import asyncio
import re
from typing import Annotated, Any, Final

import typer

from hypercube.cli.options import AsJson, Fold, Language, OtherServer, PlainText, Sources
from hypercube.cli.output import OUT, print_json
from hypercube.core.chart import BirthInput, ChartsRequest, ChartsResponse
from hypercube.core.compatibility import Compatibility, CompatibilityLength, CompatibilityRequest
from hypercube.core.cube import Call
from hypercube.core.reading import ReadingLanguage

_WITH_PLACE: Final = re.compile(
    r"(?P<birth>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?) (?P<place>\D.*)"
)


def compatibility(
    first: Annotated[
        str, typer.Argument(help='Birth, and the place behind it if known: "1990-05-03 07:20 서울".')
    ],
    others: Annotated[
        list[str], typer.Argument(help="One other birth to be explained; several to be ranked.")
    ],
    zone: Annotated[
        str | None, typer.Option(help="IANA zone of births without a place. Default: Asia/Seoul.")
    ] = None,
    fold: Fold = None,
    top: Annotated[int, typer.Option(help="Of several: how many to name.")] = 10,
    explain: Annotated[bool, typer.Option("--explain", help="Of several: sentences for each named.")] = False,
    language: Language = ReadingLanguage.KO,
    length: Annotated[
        CompatibilityLength, typer.Option(help="How much is said.")
    ] = CompatibilityLength.NORMAL,
    server: OtherServer = None,
    sources: Sources = False,
    text: PlainText = False,
    as_json: AsJson = False,
) -> None:
    """Compatibility (궁합): two people part by part and in words, or the best of several."""
    people = [birth_of(each, zone, fold) for each in (first, *others)]
    request = CompatibilityRequest(
        people[0],
        people[1] if len(people) == 2 else None,
        () if len(people) == 2 else tuple(people[1:]),
        top=top,
        explain=explain,
        language=language,
        length=length,
    )
    run(request, server=server, sources=sources, as_json=as_json, text=text)


def birth_of(text: str, zone: str | None, fold: int | None = None) -> BirthInput:
    """A birth with its place behind it: "1990-05-03 07:20 서울". What it says is judged where charts are made."""
    found = _WITH_PLACE.fullmatch(text.strip())
    if found is None:
        return BirthInput(text.strip(), zone=zone, fold=fold)
    return BirthInput(found["birth"], place=found["place"].strip(), zone=zone, fold=fold)


def run(
    request: CompatibilityRequest, *, server: str | None, sources: bool, as_json: bool, text: bool
) -> None:
    """Compare and show.

    Raises:
        HyperCubeError: what is wrong with a birth or the options, or with the server.
    """
    answer = asyncio.run(_here(request)) if server is None else _asked(server, request)
    if as_json:
        print_json(answer)
    elif text:
        for pair in answer.pairs:
            typer.echo(f"[{pair.index + 1}] {pair.score}")
            if pair.sentences:
                typer.echo(" ".join(each.text for each in pair.sentences) + "\n")
    else:
        from hypercube.cli.compatibility_view import compatibility_view

        OUT.print(compatibility_view(answer, sources=sources))


class _Charts:
    """The saju cube's part, in this process."""

    async def process(self, name: str, request: ChartsRequest, call: Call) -> ChartsResponse:
        """Charts by the functions that the cube calls, too."""
        from hypercube.saju import assemble, pillars, prepare

        prepared = prepare(request.births)
        tables = [
            pillars(group.utc_seconds, group.offset_seconds, day_boundary=group.day_boundary)
            for group in prepared.groups
        ]
        return ChartsResponse(tuple(assemble(prepared, tables)))


async def _here(request: CompatibilityRequest) -> Compatibility:
    from hypercube.cubes.feature.compatibility import CompatibilityCube

    return await CompatibilityCube(_Charts()).process(request, Call("here"))


def _asked(server: str, request: CompatibilityRequest) -> Compatibility:
    from hypercube.client import Client

    how: dict[str, Any] = {"language": request.language, "length": request.length}
    if request.second is None:
        how |= {"others": request.others, "top": request.top, "explain": request.explain}
    with Client(server) as client:
        return client.compatibility(request.first, request.second, **how)
