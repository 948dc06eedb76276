"""Threads that begin under `patient_threads` wait for their turn; the thread that opened it is as before."""

import os
import threading
from collections.abc import Iterator

import pytest

from hypercube.gateway.grpc.threads import patient_threads

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="this system has no SCHED_BATCH")


@pytest.fixture(autouse=True)
def _ordinary() -> Iterator[None]:
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        pytest.skip("the tests were started under a policy of their own")
    yield
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def _policy_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
    thread.start()
    thread.join()
    return found[0]


def test_only_threads_begun_within_are_patient() -> None:
    with patient_threads():
        assert _policy_of_a_new_thread() == os.SCHED_BATCH
    assert _policy_of_a_new_thread() == os.SCHED_OTHER


def test_the_policy_is_back_after_a_failure() -> None:
    with pytest.raises(ValueError, match="x"), patient_threads():
        raise ValueError("x")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_where_it_is_forbidden_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError("no")

    monkeypatch.setattr(os, "sched_setscheduler", forbidden)
    with patient_threads():
        assert _policy_of_a_new_thread() == os.SCHED_OTHER


def test_who_chose_a_policy_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[object] = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_BATCH)
    monkeypatch.setattr(os, "sched_setscheduler", lambda *given: chosen.append(given))
    with patient_threads():
        pass
    monkeypatch.undo()
    assert chosen == []
