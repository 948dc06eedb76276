"""Turn proto/ into hypercube/wire (run by `make proto`, in its own environment).

The compiler is pinned to one whose output runs on protobuf 6 and 7 (protoc 31.1 -> runtime >= 6.31.1). The
`.proto` files keep the import path that users of other languages expect (`hypercube/v1/...`, `inference/...`); only
the Python import of the generated modules moves: to `hypercube.wire.v1`, and to `hypercube.wire.inference`, which
the client never imports: a process may hold only one definition of a package of that name.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
WIRE = ROOT / "hypercube" / "wire"
PACKAGES = {"hypercube/v1": "v1", "inference": "inference"}
"""Folders of proto/, and of hypercube/wire."""


def main() -> None:
    for source, target in PACKAGES.items():
        generate(source, WIRE / target)


def generate(package: str, out: Path) -> None:
    """The modules of one folder of proto/."""
    sources = sorted(str(path.relative_to(PROTO)) for path in (PROTO / package).glob("*.proto"))
    staging = WIRE / "_staging"
    staging.mkdir(parents=True, exist_ok=True)
    outputs = [f"--{kind}_out={staging}" for kind in ("python", "grpc_python", "mypy")]
    outputs.append(f"--mypy_grpc_out={staging}")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources], check=True)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*_pb2*"):
        old.unlink()
    dotted = package.replace("/", ".")
    imported = re.compile(rf"\b{re.escape(dotted)}\b(?=[. ](?:import|\w+_pb2))")
    for made in sorted((staging / package).iterdir()):
        text = made.read_text(encoding="utf-8")
        # Only import statements move; the descriptor keeps the proto package name.
        lines = [
            imported.sub(f"hypercube.wire.{out.name}", line) if "serialized" not in line.lower() else line
            for line in text.splitlines(keepends=True)
        ]
        (out / made.name).write_text("".join(lines), encoding="utf-8")
        made.unlink()
    for folder in (staging / package, *(staging / package).parents):
        folder.rmdir()
        if folder == staging:
            break
    (out / "__init__.py").write_text(f'"""Generated from proto/{package} by `make proto`; do not edit."""\n')


if __name__ == "__main__":
    main()
