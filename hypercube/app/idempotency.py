"""Answers for idempotency keys as the settings want them: whom this process shares them with."""

from hypercube.core.clock import Clock
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency import IdempotentAnswers
from hypercube.gateway.idempotency.ledger import Ledger
from hypercube.gateway.idempotency.redis_ledger import RedisLedger
from hypercube.settings import Settings


def make_answers(
    settings: Settings, link: RedisLink | None, neighbours: Ledger | None, clock: Clock
) -> IdempotentAnswers:
    """Shared through Redis where that is set, else with the neighbours in one server, else with nobody."""
    kept_s = settings.server.idempotency_s
    if link is not None:
        ledger = RedisLedger(link, kept_s=kept_s)
        return IdempotentAnswers(
            kept_s=kept_s, ledger=ledger, when_away=settings.access.redis_away, clock=clock
        )
    return IdempotentAnswers(kept_s=kept_s, ledger=neighbours, clock=clock)


def describe_answers(link: RedisLink | None, neighbours: Ledger | None) -> str:
    """One line for the banner."""
    if link is not None:
        return f"idempotency keys hold at every server of {link.where}"
    if neighbours is not None:
        return "idempotency keys hold at every front-end (REDIS_URL shares them with other servers)"
    return "idempotency keys hold in this process (REDIS_URL shares them with other servers)"
