"""`hypercube keys` beside a server that asks for them, both as a user starts them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import openai
import pytest
from typer.testing import CliRunner

from hypercube.cli.keys_command import keys_cli
from hypercube.core.errors import HyperCubeError
from hypercube.wire.v1 import saju_pb2, saju_pb2_grpc
from tests.contract.gateway import redis_servers

BIRTH = {"birth": "1990-05-03T07:20"}
PATIENCE_S = 60


def hypercube(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(
        [sys.executable, "-m", "hypercube", *arguments],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def as_json(*arguments: str, **environment: str) -> Any:
    done = hypercube(*arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def here(tmp_path: Path) -> dict[str, str]:
    return {"HYPERCUBE_ACCESS_KEYS_FILE": str(tmp_path / "keys.sqlite3")}


def test_the_life_of_a_key(here: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    for name, value in here.items():
        monkeypatch.setenv(name, value)
    runner = CliRunner()

    def said(*arguments: str) -> str:
        done = runner.invoke(keys_cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    def given(*arguments: str) -> Any:
        return json.loads(said(*arguments, "--json"))

    made = hypercube("keys", "create", "ops", "--role", "admin", **here)
    assert made.returncode == 0
    secret = made.stdout.strip()  # alone, to be put into a variable
    assert secret.startswith("hck_")
    assert "only now" in made.stderr
    (key,) = given("list")
    assert (key["name"], key["state"], key["roles"], key["scopes"]) == ("ops", "live", ["admin"], [])
    assert f"hck_{key['id']}_" == secret[:17]
    rotated = given("rotate", key["id"], "--overlap", "12h")
    assert rotated["key"] != secret
    new, old = rotated["secrets"]
    assert new["expires"] is None
    assert old["expires"] == pytest.approx(new["created"] + 12 * 3600)
    assert given("revoke", key["id"])["state"] == "revoked"
    shown = said("show", key["id"])
    assert "revoked" in shown
    for text in (shown, said("list"), said("list", "--json")):
        assert secret[17:] not in text
        assert key["id"] in text
    with pytest.raises(HyperCubeError, match="revoked"):
        said("rotate", key["id"])
    unknown = hypercube("keys", "show", secret, **here)  # the key itself where its id belongs
    assert unknown.returncode == 2
    assert "not the key itself" in " ".join(unknown.stderr.split())
    assert secret[17:] not in "".join(unknown.stderr.split())


@pytest.mark.parametrize(
    "arguments", [("--access", "on"), ("--host", "0.0.0.0", "--allow-remote")], ids=["asked", "remote"]
)
def test_a_server_that_nobody_could_use_does_not_start(
    here: dict[str, str], arguments: tuple[str, ...]
) -> None:
    ports = ("--http-port", "0", "--grpc-port", "0", "--model", "none")
    done = hypercube("serve", *ports, *arguments, **here)
    assert done.returncode == 2
    assert "hypercube keys create NAME" in " ".join(done.stderr.split())


def test_a_server_that_asks_for_keys(serve: Callable[..., Any], here: dict[str, str]) -> None:
    admin = as_json("keys", "create", "ops", "--role", "admin", **here)
    phone = as_json("keys", "create", "phone", "--requests", "3/day", "--scope", "route:/v1/*", **here)
    with serve("--model", "fake", "--access", "on", "--log-level", "debug", **here) as server:
        server.wait_ready(PATIENCE_S)
        assert httpx.get(server.url + "/v1/models").status_code == 401
        client = openai.OpenAI(base_url=server.url + "/v1", api_key=phone["key"], max_retries=0)
        with client:
            answer = client.chat.completions.create(
                model="fake", messages=[{"role": "user", "content": "hello"}]
            )
            assert answer.choices[0].message.content
            raw = client.models.with_raw_response.list()
            assert raw.headers["x-ratelimit-remaining-requests"] == "1"
            client.models.list()
            with pytest.raises(openai.RateLimitError) as limited:
                client.models.list()
            assert int(limited.value.response.headers["retry-after"]) > 3600
        with grpc.insecure_channel(server.target) as channel:
            stub, birth = saju_pb2_grpc.SajuStub(channel), saju_pb2.Birth(birth="1990-05-03T07:20")
            stub.Chart(birth, metadata=(("authorization", f"Bearer {admin['key']}"),))
            with pytest.raises(grpc.RpcError) as refused:
                stub.Chart(birth)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

        def status() -> int:
            headers = {"authorization": f"Bearer {admin['key']}"}
            return httpx.post(server.url + "/v1/saju/charts", json=BIRTH, headers=headers).status_code

        assert status() == 200
        as_json("keys", "revoke", admin["id"], **here)
        until = time.monotonic() + PATIENCE_S
        while status() == 200:  # the server remembers a key for a second
            assert time.monotonic() < until
        assert status() == 401
        said = "".join(server.lines)
        assert "keys    asked for: 2 in" in said
        for key in (admin, phone):
            assert key["key"][17:] not in said


def test_keys_in_redis(serve: Callable[..., Any], tmp_path: Path) -> None:
    redis = redis_servers.made(redis_servers.VALKEY, tmp_path)
    assert redis is not None
    redis.start()
    try:
        nowhere = hypercube(
            "serve", "--access", "on", "--model", "none", "--http-port", "0", REDIS_URL=redis.url
        )
        assert nowhere.returncode == 2
        made = as_json("keys", "create", "ops", "--requests", "2/day", REDIS_URL=redis.url)
        with serve("--model", "none", "--access", "on", REDIS_URL=redis.url) as server:
            assert "in Redis" in "".join(server.lines)
            headers = {"x-api-key": made["key"]}
            found = [
                httpx.post(server.url + "/v1/saju/charts", json=BIRTH, headers=headers).status_code
                for _ in range(3)
            ]
            assert found == [200, 200, 429]
    finally:
        redis.stop()
