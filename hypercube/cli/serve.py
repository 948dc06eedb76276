"""`hypercube serve`: the banner, the progress bar, the signals."""

import asyncio
import signal
from typing import Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from hypercube import __version__
from hypercube.app import Application
from hypercube.app.access import describe
from hypercube.app.model_choice import chat_manifests
from hypercube.app.workers.supervisor import Supervisor
from hypercube.cli.output import ERR
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.devices import Devices, examine_devices
from hypercube.inference.upstream import UPSTREAM
from hypercube.kernels.pillars import explain
from hypercube.kernels.pillars.terms import load_terms
from hypercube.model_registry.catalogue import FAKE_MODEL
from hypercube.observability.logs import configure_logging
from hypercube.saju.zones import tzdata_version
from hypercube.settings import NO_MODEL, Settings

_EXAMPLE: Final = '{"birth": "1990-05-03T07:20", "sex": "male", "place": "Seoul"}'
_STEP: Final = 0.1
"""Without a terminal, one line for each tenth of a download."""


async def serve_until_stopped(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; a second one ends the process without waiting."""
    configure_logging(settings.log.level, json_lines=settings.log.json_lines)
    report = ModelReport()
    stop = asyncio.Event()
    _on_stop_signals(stop)
    if settings.server.workers > 1:
        await _supervise(settings, report, stop)
        return
    application = Application(settings, on_model_status=report, on_line=_say)
    async with application.running():
        await application.warmed_up()
        keys = await describe(application.access)
        ports = application.http_port, application.grpc_port
        _say(banner(settings, *ports, examine_devices(), keys=keys, answers=application.answers))
        report.begin()
        await stop.wait()
        report.end()
    ERR.print("Stopped.")


async def _supervise(settings: Settings, report: "ModelReport", stop: asyncio.Event) -> None:
    supervisor = Supervisor(settings, on_status=report, on_line=_say)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.roll)
    async with supervisor.running():
        ports = supervisor.http_port, supervisor.grpc_port
        said = supervisor.facts
        devices = examine_devices()
        _say(
            banner(
                settings, *ports, devices, keys=said["keys"], answers=said["answers"], charts=said["charts"]
            )
        )
        report.begin()
        asked = asyncio.create_task(stop.wait())
        gave_up = asyncio.create_task(supervisor.stopped())
        await asyncio.wait((asked, gave_up), return_when=asyncio.FIRST_COMPLETED)
        report.end()
        code = gave_up.result() if gave_up.done() else 0
        asked.cancel()
        gave_up.cancel()
    ERR.print("Stopped.")
    if code:
        raise SystemExit(code)


def _say(line: str) -> None:
    ERR.print(line, markup=False, soft_wrap=True)


def _on_stop_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def on_signal(number: int) -> None:
        if stop.is_set():
            raise SystemExit(128 + number)
        ERR.print(
            "\nStopping: answers in flight finish, new requests get 503. Ctrl-C again ends at once.",
            soft_wrap=True,
        )
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)


def banner(
    settings: Settings,
    http_port: int,
    grpc_port: int,
    devices: Devices,
    *,
    keys: str,
    answers: str,
    charts: str = "",
) -> str:
    """What serves where, on what and why, and one line to try."""
    host = settings.server.host
    shown = f"[{host}]" if ":" in host else host
    secure = settings.tls.certificate is not None
    http = f"{'https' if secure else 'http'}://{shown}:{http_port}"
    grpc = f"{shown}:{grpc_port}{' with TLS' if secure else ''}"
    sockets = settings.server
    curl = "curl -s"
    if sockets.http_socket is not None:
        curl, http = f"curl -s --unix-socket {sockets.http_socket}", "http://localhost"
    if sockets.grpc_socket is not None:
        grpc = f"unix:{sockets.grpc_socket}"
    if not charts:
        choice = explain(1, settings.kernels.backend)
        charts = f"{choice.name}: {choice.reason}"
    terms = load_terms()
    device = devices.gpus[0].name if devices.gpus else f"CPU, {devices.cores} cores ({devices.why_no_gpu})"
    model = settings.model.name
    chat = (
        "none configured (--model …)" if model == "none" else f"{model} on {_runs_on(settings)}; see /readyz"
    )
    embeds = settings.embedding.name
    return "\n".join(
        (
            "",
            f"HEAL7 HyperCube {__version__}",
            *([f"  socket  {sockets.http_socket}"] if sockets.http_socket is not None else []),
            f"  HTTP    {http}   pages {http}/docs   OpenAI base_url {http}/v1",
            f"  gRPC    {grpc}   with reflection",
            *([f"  workers {_workers(settings)}"] if settings.server.workers > 1 else []),
            f"  device  {device}",
            f"  charts  {charts}; {terms.ephemeris} table {terms.version}, tzdata {tzdata_version()}",
            f"  chat    {chat}",
            *([f"  embed   {embeds}; see /readyz"] if embeds != NO_MODEL else []),
            f"  keys    {keys}",
            f"  retries {answers}",
            "",
            f"Try:  {curl} {http}/v1/saju/charts -H 'content-type: application/json' -d '{_EXAMPLE}'",
            "Ctrl-C stops.",
            "",
        )
    )


def _workers(settings: Settings) -> str:
    return (
        f"{settings.server.workers} front-end processes, one engine process; SIGHUP replaces the front-ends"
    )


def _runs_on(settings: Settings) -> str:
    if settings.model.name == FAKE_MODEL:
        return "a rule, not a model"
    if settings.model.name == UPSTREAM:
        return settings.upstream.url
    (manifest,) = chat_manifests(settings)
    return "llama.cpp, CPU" if manifest.engine == "llama.cpp" else manifest.engine


class ModelReport:
    """Shows how far the models are: a bar on a terminal, a few lines elsewhere."""

    def __init__(self) -> None:
        self._progress = Progress(
            BarColumn(), TextColumn("{task.description}", markup=False), console=ERR, transient=True
        )
        self._tasks: dict[str, TaskID] = {}
        self._shown: dict[str, tuple[EngineState, int]] = {}
        self._latest: dict[str, EngineStatus] = {}
        self._begun = False

    def begin(self) -> None:
        """Show what is known so far, and from now on what changes."""
        self._begun = True
        for model, status in self._latest.items():
            self(model, status)

    def end(self) -> None:
        """Take the bar away."""
        self._begun = False
        self._hide_bar()

    def __call__(self, model: str, status: EngineStatus) -> None:
        """A model's status changed; called on the event loop."""
        self._latest[model] = status
        if not self._begun:
            return
        if ERR.is_terminal and status.state is EngineState.DOWNLOADING:
            self._show_bar(model, status)
            return
        if model in self._tasks:
            self._progress.remove_task(self._tasks.pop(model))
            self._hide_bar()
        step = int((status.progress or 0.0) / _STEP)
        if self._shown.get(model) != (status.state, step):
            self._shown[model] = (status.state, step)
            ERR.print(f"{model}: {status.reason}", markup=False, soft_wrap=True)

    def _hide_bar(self) -> None:
        # Stopping a bar that never began would print an empty line.
        if self._progress.live.is_started:
            self._progress.stop()

    def _show_bar(self, model: str, status: EngineStatus) -> None:
        if model not in self._tasks:
            self._progress.start()
            self._tasks[model] = self._progress.add_task("", total=1.0)
        self._progress.update(
            self._tasks[model], completed=status.progress or 0.0, description=f"{model}: {status.reason}"
        )
