"""A bare FastAPI echo: the request model of `POST /v1/saju/charts`, and an answer of the size of a chart.

    python -m benchmarks.gateway.server_fastapi PORT PADDING

One worker, uvicorn's fast loop and parser, no access log; the answer is the request beside a text of `PADDING`
characters, by the way that FastAPI recommends (a response model, which pydantic writes as JSON by itself).
"""

import sys
import typing
from dataclasses import MISSING, fields

import uvicorn
from fastapi import FastAPI  # type: ignore[import-not-found]
from pydantic import BaseModel, ConfigDict, create_model

from hypercube.core.chart import BirthInput

_HINTS = typing.get_type_hints(BirthInput)
_FIELDS: dict[str, typing.Any] = {
    each.name: (_HINTS[each.name], ... if each.default is MISSING else each.default)
    for each in fields(BirthInput)
}
Birth: typing.Any = create_model("Birth", __config__=ConfigDict(extra="forbid"), **_FIELDS)


class Echo(BaseModel):
    """What came, made as long as a chart."""

    birth: Birth
    padding: str


def main() -> None:
    """Serve until ended."""
    port, padding = int(sys.argv[1]), "x" * int(sys.argv[2])
    app = FastAPI()

    @app.post("/")  # type: ignore[untyped-decorator]
    async def echo(birth: Birth) -> Echo:
        return Echo(birth=birth, padding=padding)

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
