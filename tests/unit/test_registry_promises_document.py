"""docs/registry-promises.md has every feature that servers were compared by, each with a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"U": "unit", "E": "e2e", "C": "contract/gateway", "V": "vllm", "A": "adapters"}
NAMED = re.compile(r"`(?:(?P<folder>[UECVA])/(?P<file>test_\w+\.py))?::(?P<test>test_\w+)`")
FEATURES = (
    "Versions",
    "Aliases / stages",
    "Lazy load",
    "LRU from GPU memory",
    "Checksum verified at load",
    "Signature (inputs/outputs)",
    "LoRA adapters",
    "Hot reload keeps old on failure",
    "No half-copied load",
    "A/B, canary, shadow",
    "Memory back after unload",
)


def test_each_promise_names_tests_that_exist() -> None:
    lines = (ROOT / "docs/registry-promises.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert [row[0] for row in rows[1:]] == list(FEATURES)
    for feature, promised, proofs in rows[1:]:
        assert promised, feature
        path: Path | None = None
        found = list(NAMED.finditer(proofs))
        assert found, feature
        assert len(found) == proofs.count("::"), f"{feature}: something is not written as a test"
        for proof in found:
            if proof["file"]:
                path = ROOT / "tests" / FOLDERS[proof["folder"]] / proof["file"]
            assert path is not None, feature
            assert path.is_file(), f"{feature}: {path}"
            assert f"def {proof['test']}(" in path.read_text(encoding="utf-8"), f"{feature}: {proof['test']}"
