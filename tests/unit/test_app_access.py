"""When keys are asked for, and which settings cannot be."""

from pathlib import Path
from typing import Any

import pytest

from hypercube.app.access import asks_for_keys, describe, make_access, redis_url, require_somebody
from hypercube.core.errors import HyperCubeError
from hypercube.gateway.access.buckets import FallbackBuckets, LocalBuckets, RedisBuckets
from hypercube.gateway.access.keys import made
from hypercube.settings import AccessSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def _no_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)


def settings(tmp_path: Path, host: str = "127.0.0.1", **access: Any) -> Settings:
    return load_settings(
        {
            "server": {"host": host, "allow_remote": True},
            "access": {"keys_file": tmp_path / "keys.sqlite3", **access},
        }
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_nobody_is_asked_on_loopback_unless_that_is_set(tmp_path: Path, host: str) -> None:
    assert make_access(settings(tmp_path, host)) is None
    assert make_access(settings(tmp_path, host, mode="on")) is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org"])
async def test_everybody_is_asked_elsewhere(tmp_path: Path, host: str) -> None:
    assert asks_for_keys(settings(tmp_path, host))
    access = make_access(settings(tmp_path, host))
    assert access is not None
    with pytest.raises(HyperCubeError, match="hypercube keys create NAME"):
        await require_somebody(access)
    assert access.keys is not None
    key, _ = made("ops", now=1.0, pepper=b"", lifetime_s=1.0)
    await access.keys.add(key)
    with pytest.raises(HyperCubeError, match="there is none"):  # it has expired
        await require_somebody(access)
    key, _ = made("ops", now=1.0, pepper=b"")
    await access.keys.add(key)
    await require_somebody(access)
    assert "2 in " in await describe(access)


async def test_an_identity_provider_is_enough(tmp_path: Path) -> None:
    given = {"jwt_keys": "jwks.json", "jwt_issuer": "https://login.example", "jwt_audience": "hypercube"}
    access = make_access(settings(tmp_path, "0.0.0.0", **given))
    assert access is not None
    await require_somebody(access)
    assert "tokens of https://login.example" in await describe(access)
    for name in given:
        with pytest.raises(HyperCubeError, match=f"access.{name} is not set"):
            make_access(settings(tmp_path, "0.0.0.0", **{n: v for n, v in given.items() if n != name}))


def test_quotas_are_checked_even_where_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(HyperCubeError, match="no quota") as refused:
        make_access(settings(tmp_path, requests="5 per minute"))
    assert refused.value.param == "access.requests"


async def test_redis_counts_where_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = make_access(settings(tmp_path, mode="on"))
    assert local is not None
    assert isinstance(local.buckets, LocalBuckets)
    monkeypatch.setenv("REDIS_URL", "redis://user:hunter2@127.0.0.1:1/0")
    for away, kind in (("open", FallbackBuckets), ("closed", RedisBuckets)):
        access = make_access(settings(tmp_path, mode="on", redis_away=away))
        assert access is not None
        assert isinstance(access.buckets, kind)
        with pytest.raises(HyperCubeError, match="Start Redis first") as refused:
            await require_somebody(access)
        assert "hunter2" not in str(refused.value)
        await access.close()
    own = AccessSettings(redis_url="redis://other/0")  # type: ignore[arg-type]
    assert redis_url(own) == "redis://other/0"


@pytest.mark.parametrize("key", ["pepper", "redis_url", "keys_file"])
def test_a_secret_in_the_wrong_place_is_not_repeated(key: str) -> None:
    with pytest.raises(HyperCubeError) as refused:
        load_settings({"access": {f"{key}s": "hunter2"}})
    assert "hunter2" not in f"{refused.value} {refused.value.value}"
    with pytest.raises(HyperCubeError) as refused:
        load_settings({"access": {key: ["hunter2"]}})
    assert "hunter2" not in f"{refused.value} {refused.value.value}"
