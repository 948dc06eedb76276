"""Turn proto/hypercube/v1/*.proto into hypercube/wire/v1 (run by `make proto`, in its own environment).

The compiler is pinned to one whose output runs on protobuf 6 and 7 (protoc 31.1 -> runtime >= 6.31.1). The
`.proto` files keep the import path that users of other languages expect (`hypercube/v1/...`); only the Python
import of the generated modules moves, to `hypercube.wire.v1`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
OUT = ROOT / "hypercube" / "wire" / "v1"
_IMPORT = re.compile(r"\bhypercube\.v1\b(?=[. ](?:import|\w+_pb2))")


def main() -> None:
    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / "hypercube" / "v1").glob("*.proto"))
    staging = OUT.parent / "_staging"
    staging.mkdir(parents=True, exist_ok=True)
    outputs = [f"--{kind}_out={staging}" for kind in ("python", "grpc_python", "mypy")]
    outputs.append(f"--mypy_grpc_out={staging}")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources], check=True)
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*_pb2*"):
        old.unlink()
    for made in sorted((staging / "hypercube" / "v1").iterdir()):
        text = made.read_text(encoding="utf-8")
        # Only import statements move; the descriptor keeps the proto package name.
        lines = [
            _IMPORT.sub("hypercube.wire.v1", line) if "serialized" not in line.lower() else line
            for line in text.splitlines(keepends=True)
        ]
        (OUT / made.name).write_text("".join(lines), encoding="utf-8")
        made.unlink()
    for folder in (staging / "hypercube" / "v1", staging / "hypercube", staging):
        folder.rmdir()
    (OUT / "__init__.py").write_text(
        '"""Generated from proto/hypercube/v1 by `make proto`; do not edit."""\n'
    )


if __name__ == "__main__":
    main()
