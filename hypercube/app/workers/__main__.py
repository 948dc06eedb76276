"""A process of a server with several: `python -m hypercube.app.workers DESCRIPTOR`, started by the supervisor.

The descriptor is its end of a pair of sockets; the first thing to come is the `Task`, as the supervisor pickled it.
"""

import asyncio
import socket
import sys

from hypercube.app.loop import loop_factory
from hypercube.app.workers.control import Control, leave_signals_to_the_supervisor
from hypercube.app.workers.task import Role, Task, read_task
from hypercube.core.errors import HyperCubeError
from hypercube.observability.logs import configure_logging


async def _main(descriptor: int, task: Task) -> int:
    control = await Control.open(descriptor, task.folder)
    try:
        if task.role is Role.ENGINE:
            from hypercube.app.workers.engine_process import serve_engines

            await serve_engines(control, task)
        else:
            from hypercube.app.workers.front_end import serve_front

            await serve_front(control, task)
    except HyperCubeError as error:
        control.tell("failed", error.failure())
        return 1
    finally:
        await control.close()
    return 0


def main() -> None:
    """Do the task until the supervisor says that it is done."""
    leave_signals_to_the_supervisor()
    descriptor = int(sys.argv[1])
    with socket.socket(fileno=descriptor) as connection:
        task = read_task(connection)
        connection.detach()
    configure_logging(task.settings.log.level, json_lines=task.settings.log.json_lines)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        code = runner.run(_main(descriptor, task))
    sys.exit(code)


if __name__ == "__main__":
    main()
