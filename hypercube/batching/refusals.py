"""What the batcher tells those it does not serve."""

from hypercube.core.errors import ErrorKind, HyperCubeError


def shutting_down(name: str) -> HyperCubeError:
    """No new item is taken after `close`."""
    return HyperCubeError(ErrorKind.UNAVAILABLE, f"The {name} is shutting down.", retry_after_s=1.0)


def too_late(deadline: float, now: float) -> HyperCubeError:
    """The item's deadline passed before its work began; both in `Clock` seconds."""
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        f"The deadline passed {max(0.0, now - deadline) * 1e3:.0f} ms ago, before the work could start.",
        fix="Allow more time, or send it when the server is less busy.",
    )


def overran(deadline: float, now: float) -> HyperCubeError:
    """The item started in time and its result did not come in time; both in `Clock` seconds."""
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        f"The deadline passed {max(0.0, now - deadline) * 1e3:.0f} ms ago, while the work was under way.",
        fix="Allow more time, or send less work in one request.",
    )


def queue_full(name: str, items: int, cost: float, retry_after_s: float, *, for_any: bool) -> HyperCubeError:
    """The queue holds as much as `Limits` allows; `for_any` item, and not only for one as dear as this."""
    return HyperCubeError(
        ErrorKind.OVERLOADED,
        f"The queue of the {name} is full: {items} requests (cost {cost:g}) are waiting.",
        fix="Send it again after the time in Retry-After.",
        details={"waiting": items} if for_any else {},
        retry_after_s=retry_after_s,
    )


def wait_too_long(
    name: str, items: int, wait_s: float, max_wait_s: float, retry_after_s: float
) -> HyperCubeError:
    """What waits already takes longer than `Limits.max_wait_s`."""
    return HyperCubeError(
        ErrorKind.OVERLOADED,
        f"The {name} has {items} requests waiting, {wait_s * 1e3:.0f} ms of work; "
        f"at most {max_wait_s * 1e3:.0f} ms are taken on.",
        fix="Send it again after the time in Retry-After.",
        details={"waiting": items},
        retry_after_s=retry_after_s,
    )


def share_used_up(
    name: str, tenant: str, items: int, cost: float, share: float, retry_after_s: float
) -> HyperCubeError:
    """One tenant holds as much of the queue as `Limits.max_tenant_share` allows."""
    return HyperCubeError(
        ErrorKind.OVERLOADED,
        f"{items} requests (cost {cost:g}) of tenant {tenant!r} are waiting in the {name}: "
        f"that is its share of the queue, {share:.0%}.",
        fix="Send it again after the time in Retry-After.",
        retry_after_s=retry_after_s,
    )
