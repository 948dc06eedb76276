"""Files of births to files of charts: nothing lost, nothing half-made."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from hypercube.cli import bulk, bulk_command, bulk_files
from hypercube.core.errors import HyperCubeError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

GOOD = [
    f'{i},"Kim, {i}",{1950 + i % 70}-05-{1 + i % 28:02}T0{i % 10}:20,{"male" if i % 2 else "female"},서울'
    for i in range(500)
]
BAD = {
    3: "x,one line,1990-02-30,male,서울",
    100: "too,few",
    250: 'y,"two\nlines",1990-05-03T25:00,male,서울',
    400: "z,place,1990-05-03T07:20,male,Sowl",
}
HEADER = "id,name,birth,sex,place"


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_files, "CHUNK", 64)


def write(path: Path, encoding: str = "utf-8") -> Path:
    lines = list(GOOD)
    for at, line in sorted(BAD.items()):
        lines.insert(at, line)
    path.write_text("\n".join([HEADER, *lines]) + "\n\n", encoding=encoding)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_every_row_comes_out_once(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"charts.{suffix}"
    shares: list[float] = []
    done = bulk.convert(
        write(tmp_path / "births.csv"), output, include=("facts", "luck"), progress=shares.append
    )
    assert (done.rows, done.charts, done.bad) == (504, 500, 4)
    charts = read(output)
    assert [row["id"] for row in charts] == [str(i) for i in range(500)]
    assert all(row["day_pillar"] and row["luck_pillars"] for row in charts)
    assert done.bad_rows == tmp_path / f"charts.{suffix}.errors.csv"
    refused = read(done.bad_rows)
    assert [row["line"] for row in refused] == ["5", "102", "252", "403"]
    assert [row["field"] for row in refused] == ["birth", "", "birth", "place"]
    assert refused[0]["value"] == "1990-02-30"
    assert "1990-02 has 28 days" in refused[0]["reason"]
    assert refused[0]["fix"]
    assert json.loads(refused[1]["row"]) == ["too", "few"]
    assert json.loads(refused[2]["row"])["name"] == "two\nlines"
    assert "Seoul" in refused[3]["fix"]
    assert shares == sorted(shares)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        ["births.csv", output.name, f"{output.name}.errors.csv"]
    )


def test_the_three_formats_agree(tmp_path: Path) -> None:
    source = write(tmp_path / "births.csv")
    first = tmp_path / "charts.parquet"
    bulk.convert(source, first, include=("luck",))
    births = parquet.read_table(first).select(["id", "birth", "sex", "place"])
    parquet.write_table(births, tmp_path / "births.parquet")
    lines = (json.dumps(row, ensure_ascii=False) for row in births.to_pylist())
    (tmp_path / "births.jsonl").write_text("\n".join(lines), encoding="utf-8")
    want = parquet.read_table(first).drop_columns(["name"])
    for suffix in ("parquet", "jsonl"):
        output = tmp_path / f"from_{suffix}.parquet"
        done = bulk.convert(tmp_path / f"births.{suffix}", output, include=("luck",))
        assert (done.bad, done.bad_rows) == (0, None)
        assert not (tmp_path / f"{output.name}.errors.csv").exists()
        assert parquet.read_table(output).to_pylist() == want.to_pylist()


def test_lines_of_json_that_are_no_births(tmp_path: Path) -> None:
    lines = [
        '{"birth": "1990-05-03T07:20", "sex": null}',
        "",
        "[1]",
        '{"birth": 7}',
        '{"birth": "1990-05-03", "age": 3}',
        "{",
    ]
    (tmp_path / "births.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = bulk.convert(tmp_path / "births.jsonl", tmp_path / "charts.csv")
    assert (done.rows, done.charts, done.bad) == (5, 1, 4)
    assert done.bad_rows is not None
    assert [row["line"] for row in read(done.bad_rows)] == ["3", "4", "5", "6"]


def test_stopping_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    source = write(tmp_path / "births.csv")
    with pytest.raises(KeyboardInterrupt):
        bulk.convert(source, tmp_path / "charts.parquet", progress=stop)
    assert [each.name for each in tmp_path.iterdir()] == ["births.csv"]


def test_an_older_result_outlives_a_run_that_fails(tmp_path: Path) -> None:
    source = write(tmp_path / "births.csv")
    output = tmp_path / "charts.csv"
    output.write_text("older", encoding="utf-8")
    with pytest.raises(HyperCubeError) as caught:
        bulk.convert(source, output)
    assert caught.value.param == "output"
    assert "--overwrite" in str(caught.value.fix)
    with pytest.raises(HyperCubeError):
        bulk.convert(source, output, overwrite=True, luck_age="old")
    assert output.read_text("utf-8") == "older"
    bulk.convert(source, output, overwrite=True)
    assert len(read(output)) == 500


def test_korean_excel(tmp_path: Path) -> None:
    source = write(tmp_path / "births.csv", "cp949")
    with pytest.raises(HyperCubeError) as caught:
        bulk.convert(source, tmp_path / "charts.csv")
    assert caught.value.param == "encoding"
    assert "cp949" in str(caught.value.fix)
    assert bulk.convert(source, tmp_path / "charts.csv", encoding="cp949").charts == 500


def test_a_file_of_no_births(tmp_path: Path) -> None:
    (tmp_path / "births.csv").write_text("birth\n", encoding="utf-8")
    done = bulk.convert(tmp_path / "births.csv", tmp_path / "charts.parquet")
    assert (done.rows, done.charts, done.bad) == (0, 0, 0)
    table = parquet.read_table(tmp_path / "charts.parquet")
    assert len(table) == 0
    assert "day_pillar" in table.column_names


@pytest.mark.parametrize(
    ("header", "suffix", "options", "param"),
    [
        ("date,sex", "csv", {}, "input"),
        ("birth,birth", "csv", {}, "input"),
        ("birth,day_pillar", "csv", {}, "day_pillar"),
        ("birth", "xlsx", {}, "output"),
        ("birth", "csv", {"encoding": "utf-9"}, "encoding"),
        ("birth", "csv", {"script": "latin"}, "script"),
        ("birth", "csv", {"include": ("fact",)}, "include"),
        ("birth", "csv", {"backend": "abacus"}, "backend"),
    ],
)
def test_what_is_wrong_with_the_call_is_said_and_leaves_nothing(
    tmp_path: Path, header: str, suffix: str, options: dict[str, Any], param: str
) -> None:
    source = tmp_path / "births.csv"
    source.write_text(
        f"{header}\n" + ",".join(["1990-05-03"] * len(header.split(","))) + "\n", encoding="utf-8"
    )
    with pytest.raises(HyperCubeError) as caught:
        bulk.convert(source, tmp_path / f"charts.{suffix}", **options)
    assert caught.value.param == param
    assert caught.value.fix
    assert list(tmp_path.iterdir()) == [source]


def test_the_command(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(bulk_command.charts)
    source = tmp_path / "births.csv"
    source.write_text("birth,plcae\n1990-05-03T07:20,Seoul\n1990-05-33,Seoul\n", encoding="utf-8")
    output = tmp_path / "charts.csv"
    args = [
        "--input",
        str(source),
        "--output",
        str(output),
        "--include",
        "luck,facts",
        "--sex",
        "male",
        "--place",
        "Busan",
    ]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.output
    assert "was 'place' meant" in result.output.replace("\n", " ")
    rows = read(output)
    assert len(rows) == 1
    assert rows[0]["year_pillar"] == "경오"
    assert rows[0]["luck_forward"] == "true"
