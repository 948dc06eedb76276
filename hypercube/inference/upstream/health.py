"""What is known of an upstream server without a caller's request: its models at the start, its health after that."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.inference.first_bytes import LONGEST_REFUSAL, first_bytes
from hypercube.inference.upstream.breaker import Outcome
from hypercube.inference.upstream.errors import no_answer, refused
from hypercube.inference.upstream.options import UpstreamOptions
from hypercube.inference.upstream.passage import Passage

if TYPE_CHECKING:
    import httpx

_MODELS: Final = "/v1/models"
_LOOK_AGAIN_S: Final = 0.2
"""After a look that failed; three of those in a row open the breaker."""


async def check_model(http: "httpx.AsyncClient", options: UpstreamOptions) -> None:
    """Whether our key is good and the model is there, as far as the server lists its models.

    Raises:
        UpstreamError: there was no answer, or it was a refusal.
        HyperCubeError: FAILED_PRECONDITION when the list has no such model.
    """
    import httpx

    try:
        async with http.stream("GET", _MODELS, timeout=options.silence_s) as response:
            said = await first_bytes(response, LONGEST_REFUSAL)
    except httpx.RequestError as error:
        raise no_answer(options.host, error) from None
    if response.status_code in {404, 405}:
        return  # not every server has a list
    if response.status_code != 200:
        raise refused(options.host, response, said)
    try:
        names = [str(model["id"]) for model in json.loads(said)["data"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    wanted = options.model
    if wanted and names and wanted not in names:
        close = nearest(wanted, names)
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The upstream server {options.host} has no model {wanted!r}.",
            param="upstream.model",
            value=wanted,
            fix=f"Did you mean {close!r}?" if close else f"It has: {', '.join(names[:20])}.",
        )


class Health:
    """Looks after a server that is loaded; `answered_at` is the clock's time of its last answer to a caller."""

    def __init__(self, options: UpstreamOptions, passage: Passage, clock: Clock) -> None:
        self.answered_at = float("-inf")
        self._options = options
        self._passage = passage
        self._clock = clock

    async def look_after(self, http: "httpx.AsyncClient", one_answer: Callable[[], Awaitable[None]]) -> None:
        """Look at a server that nobody uses; while the breaker is open, be its one probe. Never returns.

        Args:
            http: a client of the server.
            one_answer: asks it for a real answer; a HyperCubeError or TimeoutError says that none came.
        """
        pause, limit_s = self._options.health_s, self._options.health_timeout_s
        breaker = self._passage.breaker
        while True:
            await asyncio.sleep(pause)
            pause = self._options.health_s
            if not self._passage.open:
                if (wait_s := breaker.retry_after_s()) > 0:
                    pause = wait_s
                    continue
                with contextlib.suppress(HyperCubeError, TimeoutError):
                    await one_answer()
                pause = max(_LOOK_AGAIN_S, breaker.retry_after_s())
            elif self._clock() - self.answered_at >= self._options.health_s:
                try:
                    await self._look(http, limit_s)
                    limit_s = self._options.health_timeout_s
                except HyperCubeError:
                    # Who was silent for a whole limit gets half of it the next times: a verdict is due.
                    pause, limit_s = _LOOK_AGAIN_S, self._options.health_timeout_s / 2

    async def _look(self, http: "httpx.AsyncClient", limit_s: float) -> None:
        """GET /v1/models: any answer below 500 is one.

        Raises:
            UpstreamError: there was none.
        """
        import httpx

        given = self._passage.enter()
        outcome = Outcome.NEITHER
        try:
            async with http.stream("GET", _MODELS, timeout=limit_s) as response:
                said = await first_bytes(response, LONGEST_REFUSAL)
            # Good news of the list is no news of the model: it must not make up for answers that failed.
            outcome = Outcome.FAILURE if response.status_code >= 500 else Outcome.NEITHER
        except httpx.RequestError as error:
            outcome = Outcome.FAILURE
            raise no_answer(self._options.host, error) from None
        finally:
            self._passage.leave(given, outcome)
        if outcome is Outcome.FAILURE:
            raise refused(self._options.host, response, said)
