"""API keys as text and as records, and the file that keeps them."""

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal, Rate, Role, ScopeKind
from hypercube.gateway.access import keys
from hypercube.gateway.access.keys import ApiKey
from hypercube.gateway.access.stores import SqliteKeys


def test_a_key_is_whole_or_it_is_none() -> None:
    text = keys.new_secret("abcdefABCDEF")
    assert keys.key_id_of(text) == "abcdefABCDEF"
    for at in range(len(text)):
        other = "x" if text[at] != "x" else "y"
        assert keys.key_id_of(text[:at] + other + text[at + 1 :]) is None
        assert keys.key_id_of(text[:at] + text[at + 1 :]) is None
    assert keys.key_id_of(text + "a") is None
    assert keys.key_id_of(text + "\n") is None


def test_secrets_have_256_bits_and_differ() -> None:
    assert 62**43 > 2**256
    made = {keys.new_secret("a" * 12)[17:60] for _ in range(200)}
    assert len(made) == 200
    assert {len(each) for each in made} == {43}
    assert len(set("".join(made))) == 62


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_but_a_key_passes_for_one(text: str) -> None:
    assert keys.key_id_of(text) is None


def test_only_a_hash_is_kept_and_a_pepper_changes_it() -> None:
    key, text = keys.made("ops", now=1.0, pepper=b"")
    assert text not in key.to_json()
    assert text[17:] not in key.to_json()
    plain, peppered = keys.digest_of(text, b""), keys.digest_of(text, b"pepper")
    assert len(plain) == len(peppered) == 64
    assert plain != peppered
    assert keys.matching(key, plain) is key.secrets[0]
    assert keys.matching(key, peppered) is None
    assert "digest" not in str(key.plain(2.0))


def test_a_record_comes_back_as_it_was() -> None:
    key, _ = keys.made(
        "한글",
        now=5.0,
        pepper=b"p",
        roles=["admin"],
        scopes=["model:gemma*", "route:/v1/*"],
        lifetime_s=10,
        requests=Rate(60, 60.0),
        tokens=Rate(7, 86400.0),
    )
    key, _ = keys.rotated(key, now=6.0, overlap_s=3.0, pepper=b"p")
    assert ApiKey.from_json(key.to_json()) == key
    assert key.principal() == Principal(
        "한글",
        frozenset({Role.ADMIN}),
        frozenset({"model:gemma*", "route:/v1/*"}),
        f"key:{key.id}",
        Rate(60, 60.0),
        Rate(7, 86400.0),
    )


def test_a_rotation_keeps_two_secrets_at_most() -> None:
    key, first = keys.made("ops", now=0.0, pepper=b"")
    key, second = keys.rotated(key, now=10.0, overlap_s=100.0, pepper=b"")
    old, new = keys.matching(key, keys.digest_of(first, b"")), keys.matching(key, keys.digest_of(second, b""))
    assert old is not None
    assert new is not None
    assert (old.expires, new.expires) == (110.0, None)
    key, third = keys.rotated(key, now=20.0, overlap_s=500.0, pepper=b"")
    assert keys.matching(key, keys.digest_of(first, b"")) is None
    assert [secret.expires for secret in key.secrets] == [None, 520.0]
    assert keys.key_id_of(third) == keys.key_id_of(first) == key.id
    with pytest.raises(HyperCubeError, match="revoked"):
        keys.rotated(replace(key, revoked=21.0), now=22.0, overlap_s=0, pepper=b"")


@pytest.mark.parametrize(
    "text", ["", "60", "0/min", "-1/min", "1.5/min", "60/fortnight", "60/", f"{2**53}/s"]
)
def test_what_is_no_quota_is_refused(text: str) -> None:
    with pytest.raises(HyperCubeError, match="60/min") as refused:
        keys.rate_of(text)
    assert refused.value.kind is ErrorKind.INVALID_ARGUMENT


def test_quotas_and_times_in_words() -> None:
    for text in ("60/min", "1/s", "5/hour", "100000/day"):
        assert keys.rate_text(keys.rate_of(text)) == text
    assert keys.seconds_of("90d", "x") == 90 * 86400
    assert keys.seconds_of("45s", "x") == 45
    for wrong in ("", "5", "5m", "-1s", "1e3s"):
        with pytest.raises(HyperCubeError):
            keys.seconds_of(wrong, "x")


@pytest.mark.parametrize("scope", ["", "model", "model:", "modle:x", "chat", ":x", "model: "])
def test_a_scope_that_would_limit_nothing_is_refused(scope: str) -> None:
    with pytest.raises(HyperCubeError, match="no scope"):
        keys.made("x", now=0, pepper=b"", scopes=[scope])


def test_scopes_limit_their_own_kind_only() -> None:
    caller = Principal("a", scopes=frozenset({"model:gemma*", "model:[x]", "route:/v1/saju/*"}))
    assert caller.allows(ScopeKind.MODEL, "gemma-3")
    assert caller.allows(ScopeKind.MODEL, "[x]")
    assert not caller.allows(ScopeKind.MODEL, "x")
    assert not caller.allows(ScopeKind.MODEL, "qwen")
    assert not caller.allows(ScopeKind.ROUTE, "/v1/saju")
    assert caller.allows(ScopeKind.CUBE, "anything")
    with pytest.raises(HyperCubeError, match=r"model:gemma\*") as refused:
        caller.require_scope(ScopeKind.MODEL, "qwen")
    assert refused.value.kind is ErrorKind.PERMISSION_DENIED


async def test_the_file_is_its_owners_alone_and_shared_by_processes(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys.sqlite3"
    one, other = SqliteKeys(path), SqliteKeys(path)
    assert await one.all() == []
    assert await one.get("a" * 12) is None
    assert await one.change("a" * 12, lambda key: key) is None
    assert not path.exists()  # looking makes nothing
    key, text = keys.made("ops", now=1.0, pepper=b"")
    await one.add(key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert await other.get(key.id) == key
    assert text.encode() not in path.read_bytes()

    def renamed(found: ApiKey) -> ApiKey:
        return replace(found, name=found.name + "+")

    await asyncio.gather(*(store.change(key.id, renamed) for store in (one, other) for _ in range(10)))
    found = await one.get(key.id)
    assert found is not None
    assert found.name == "ops" + "+" * 20  # no change was lost


async def test_a_file_that_is_no_store_says_so(tmp_path: Path) -> None:
    path = tmp_path / "keys.sqlite3"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(HyperCubeError, match="cannot be read") as refused:
        await SqliteKeys(path).get("a" * 12)
    assert refused.value.kind is ErrorKind.UNAVAILABLE
