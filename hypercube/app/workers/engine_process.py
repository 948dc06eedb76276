"""The process that owns the models."""

import contextlib

from hypercube.app.engines import make_cluster, make_operator
from hypercube.app.workers.control import Control
from hypercube.app.workers.engine_door import EngineDoor
from hypercube.app.workers.shared_answers import ledger_operations
from hypercube.app.workers.task import Task
from hypercube.core.served_models import EngineStatus
from hypercube.gateway.idempotency.ledger import LocalLedger


async def serve_engines(control: Control, task: Task) -> None:
    """Serve the models to the front-ends until the supervisor says stop.

    Raises:
        HyperCubeError: the settings name what cannot be served.
    """
    door: EngineDoor | None = None

    def on_status(model: str, status: EngineStatus) -> None:
        control.tell("status", model, status)
        if door is not None:
            door.changed()

    cluster = make_cluster(
        task.settings, on_status=on_status, on_line=lambda line: control.tell("line", line)
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(cluster.close)
        operator = make_operator(task.settings, cluster)
        ledger = LocalLedger(kept_s=task.settings.server.idempotency_s)
        door = EngineDoor(
            cluster,
            {
                "operate": lambda command, who, _: operator.operate(command, who),
                **ledger_operations(ledger),
            },
        )
        # What an engine process left behind that was killed.
        task.engine_path.unlink(missing_ok=True)
        await door.open(task.engine_path)
        stack.push_async_callback(door.close)
        cluster.start()
        control.tell("ready", {})
        await control.order()
