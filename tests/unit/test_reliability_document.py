"""docs/reliability.md names a test for each fault: each of them exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"U": "unit", "E": "e2e", "V": "vllm", "C": "contract/gateway"}
NAMED = re.compile(r"`(?:(?P<folder>[UEVC])/(?P<file>test_\w+\.py))?(?:::(?P<test>test_\w+))?[^`]*`")


def test_every_test_that_the_matrix_names_exists() -> None:
    rows = [line for line in (ROOT / "docs/reliability.md").read_text().splitlines() if line.startswith("| ")]
    named = 0
    for row in rows:
        path: Path | None = None
        for found in NAMED.finditer(row.rsplit("|", 2)[1]):
            if found["file"]:
                path = ROOT / "tests" / FOLDERS[found["folder"]] / found["file"]
                assert path.is_file(), row
            if found["test"]:
                assert path is not None, row
                assert f"def {found['test']}(" in path.read_text(), row
                named += 1
    assert named >= 40
