"""`hypercube models` as a user types it, and every command of `docs/models.md` as it stands there."""

import hashlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFWriter

from hypercube.cli import main

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def write_gguf(path: Path, fill: float) -> None:
    """A file with the header of a model and one tensor: whole, though no engine would like it."""
    writer = GGUFWriter(path, "qwen2")
    writer.add_name("Tiny")
    writer.add_context_length(128)
    writer.add_block_count(1)
    writer.add_embedding_length(8)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_tensor("token_embd.weight", np.full((10, 8), fill, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a user has: a folder and GGUF files."""
    place = tmp_path_factory.mktemp("models")
    folder = place / "my-model"
    folder.mkdir()
    header = b'{"w":{"dtype":"U8","shape":[5000],"data_offsets":[0,5000]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"w" * 5000)
    (folder / "config.json").write_text('{"architectures": ["XForCausalLM"], "max_position_embeddings": 64}')
    write_gguf(place / "my-model.gguf", 1)
    write_gguf(place / "my-model-2.gguf", 2)
    return place


@pytest.fixture(scope="module")
def models(place: Path) -> Command:
    def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hypercube", "models", *words],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ
            | {"HYPERCUBE_MODEL_DIR": str(place / "store"), "PYTHONIOENCODING": "utf-8", "COLUMNS": "160"}
            | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
            | environment,
        )

    return run


@pytest.fixture(scope="module")
def inside(place: Path) -> Command:
    """The same entry point called in this process, which takes a tenth of the time."""

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        out, err, code = io.StringIO(), io.StringIO(), None
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(place)
            patch.setenv("HYPERCUBE_MODEL_DIR", str(place / "store"))
            patch.setenv("COLUMNS", "160")
            patch.setattr(sys, "argv", ["hypercube", "models", *words])
            with pytest.raises(SystemExit) as ended:
                main()
            code = ended.value.code
        return subprocess.CompletedProcess(words, int(code or 0), out.getvalue(), err.getvalue())

    return run


def block(name: str, text: str = PAGE) -> list[list[str]]:
    """The commands of one block of the page."""
    found = re.search(rf"<!-- run: {name} -->\n```bash\n(.*?)```", text, re.DOTALL)
    assert found, name
    return [shlex.split(line) for line in found[1].splitlines()]


@pytest.fixture(scope="module")
def page(models: Command) -> dict[str, list["subprocess.CompletedProcess[str]"]]:
    """Every block of the page but the hub's, run in order."""
    names = re.findall(r"<!-- run: (\w+) -->", PAGE)
    assert names == ["folder", "gguf", "hub", "aliases", "room"]
    done: dict[str, list[subprocess.CompletedProcess[str]]] = {}
    for name in names:
        if name != "hub":
            done[name] = [models(*words[2:]) for words in block(name)]
            for words, result in zip(block(name), done[name], strict=True):
                assert words[:2] == ["hypercube", "models"]
                assert result.returncode == 0, (words, result.stderr)
    return done


@pytest.mark.parametrize("name", ["folder", "gguf", "hub"])
def test_the_readme_brings_a_model_by_the_same_commands(name: str) -> None:
    assert block(name, README) == block(name)[: len(block(name, README))]


def test_the_page_brings_a_folder(page: dict[str, Any]) -> None:
    added, verified, shown = page["folder"]
    assert "my-model@1.0.0: 2 files" in added.stdout
    assert "hypercube serve --model my-model" in added.stdout
    assert "every byte is as published" in verified.stdout
    for word in ("Apache-2.0", "transformers, vllm", "model.safetensors", "estimated; not measured yet"):
        assert word in shown.stdout, word


def test_the_page_brings_a_gguf_file(page: dict[str, Any]) -> None:
    added, listed = page["gguf"]
    assert "my-gguf@1.0.0: 1 files" in added.stdout
    assert re.search(r"my-gguf\s*│ 1\.0\.0.*llama\.cpp.*yes", listed.stdout)


def test_the_page_moves_splits_and_rolls_back(page: dict[str, Any]) -> None:
    done = [result.stdout for result in page["aliases"]]
    assert done[2] == "my-chat@production: nothing -> 1.0.0\n"
    assert re.search(r"my-chat → canary\s*│ 5\.0%", done[5])
    assert done[8] == "my-chat@production: 1.1.0 -> 1.0.0\n"
    assert len(re.findall(r"│ (move|drop|rollback)", done[9])) == 6


def test_the_page_makes_room(page: dict[str, Any]) -> None:
    dry, collected, removed = (result.stdout for result in page["room"])
    assert "would be freed" in dry
    assert "freed" in collected
    assert re.fullmatch(r"my-gguf: \S+ kB freed\.\n|my-gguf: 0\.0 kB freed\.\n", removed)


def test_the_page_brings_a_hub_repository_where_it_is_reachable(models: Command) -> None:
    """Without a network the command must say so in one sentence, and leave nothing behind."""
    (words,) = block("hub")
    done = models(*words[2:])
    if done.returncode == 0:
        assert "qwen-small@1.0.0" in done.stdout
        return
    assert done.returncode == 2
    assert re.search(r"error: The model hub (at \S+ does not answer|answered HTTP \d+|has no )", done.stderr)
    assert "Traceback" not in done.stderr
    assert models("show", "qwen-small").returncode == 2
    pytest.skip(f"the model hub is not reachable here: {done.stderr.splitlines()[0]}")


def test_the_pages_manifest_is_registered_then_pulled(inside: Command, place: Path) -> None:
    found = re.search(r"<!-- manifest -->\n```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    (place / "weights").mkdir()
    write_gguf(place / "weights" / "my-remote.gguf", 3)
    data = (place / "weights" / "my-remote.gguf").read_bytes()
    text = (
        found[1]
        .replace("0" * 64, hashlib.sha256(data).hexdigest())
        .replace("size = 704", f"size = {len(data)}")
    )
    (place / "model.toml").write_text(text, encoding="utf-8")
    added = inside("add", "model.toml", "--json")
    assert json.loads(added.stdout)["here"] is False, added.stderr
    assert inside("alias", "my-remote", "production", "1.0.0").returncode == 2
    pulled = inside("pull", "my-remote", "--json")
    assert json.loads(pulled.stdout)["here"] is True, pulled.stderr
    assert Path(json.loads(pulled.stdout)["path"]).read_bytes() == data
    # With a wrong digest the file and both digests are named.
    (place / "wrong.toml").write_text(
        found[1].replace('"my-remote"', '"wrong"').replace("704", str(len(data)))
    )
    assert inside("add", "wrong.toml").returncode == 0
    done = inside("pull", "wrong")
    assert done.returncode == 2
    for part in ("my-remote.gguf", hashlib.sha256(data).hexdigest(), "0" * 64):
        assert part in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["list"], ["list", "my-chat"], ["show", "my-chat"], ["verify", "my-chat"], ["alias", "my-chat"],
        ["alias", "my-chat", "beta", "1.1.0"], ["split", "my-chat"], ["split", "my-chat", "production=1", "beta=1"],
        ["rollback", "my-chat", "--split"], ["history", "my-chat"], ["alias", "my-chat", "beta", "--drop"],
        ["gc", "--dry-run"], ["gc"], ["add", "--gguf", "my-model.gguf", "--name", "short"], ["rm", "short"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_answers_in_json(page: object, inside: Command, words: list[str]) -> None:
    done = inside(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "my-caht"], "Did you mean 'my-chat'"),
        (["show", "my-chat@1.2.0"], "no version or alias '1.2.0'"),
        (["pull", "my-chat@x"], "no version or alias 'x'"),
        (["pull", "fake"], "has no files to fetch"),
        (["alias", "my-chat", "production"], "Say where production is to lead"),
        (["alias", "my-chat", "latest", "1.0.0"], "'latest' cannot be an alias"),
        (["alias", "my-chat", "production", "9.0.0"], "no version '9.0.0'"),
        (["split", "my-chat", "production"], "is not a share of the split"),
        (["split", "my-chat", "production=1", "production=2"], "is not a share of the split"),
        (["split", "my-chat", "nobody=1"], "no alias 'nobody'"),
        (["rollback", "my-chat", "canary"], "nothing to go back to"),
        (["rm", "my-chat"], "is in use: alias"),
        (["rm", "nothing"], "no model 'nothing'"),
        (["convert", "my-model"], "is not a GGUF model"),
        (["add"], "takes one thing"),
        (["add", "none.toml"], "There is no file"),
        (["add", "--folder", "none"], "There is no folder"),
        (["add", "--gguf", "my-model/config.json"], "config.json"),
        (["add", "--folder", "my-model", "--version", "one"], "not a semantic version"),
        (["add", "--folder", "my-model", "--name", "My Model"], "cannot be a model's name"),
        (
            ["add", "--gguf", "my-model-2.gguf", "--name", "my-chat", "--version", "1.0.0"],
            "a version never changes",
        ),
        (["add", "--hub", "../../etc"], "ORG/NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_a_sentence_and_exit_code_2(
    page: object, inside: Command, words: list[str], said: str
) -> None:
    done = inside(*words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_flipped_byte_is_refused_and_named(page: object, inside: Command, place: Path) -> None:
    data = json.loads(inside("show", "my-chat@1.1.0", "--json").stdout)
    blob = place / "store" / "blobs" / data["files"][0]["sha256"]
    good = blob.read_bytes()
    blob.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    try:
        done = inside("verify", "my-chat@1.1.0")
    finally:
        blob.write_bytes(good)
    assert done.returncode == 2
    assert "my-model-2.gguf of 'my-chat' is damaged" in done.stderr
    assert inside("verify", "my-chat@1.1.0").returncode == 0


def test_ctrl_c_ends_a_pull_in_one_line(models: Command, place: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        text = (
            'name = "slow"\nversion = "1.0.0"\nformat = "gguf"\nengines = ["llama.cpp"]\ncontext_length = 10\n'
            f'[[sources]]\nkind = "url"\nurl = "http://127.0.0.1:{port}/"\n'
            f'[[files]]\nname = "slow.gguf"\nsize = 9\nsha256 = "{"0" * 64}"\n'
        )
        (place / "slow.toml").write_text(text)
        assert models("add", "slow.toml").returncode == 0
        with subprocess.Popen(
            [sys.executable, "-m", "hypercube", "models", "pull", "slow"],
            cwd=place,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {
                "HYPERCUBE_MODEL_DIR": str(place / "store"),
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            },
        ) as process:
            connection, _ = silent.accept()  # it has asked, and waits
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
            connection.close()
    assert process.returncode not in (0, None)
    assert "Traceback" not in errors, errors
    assert models("rm", "slow").returncode == 0
