"""`hypercube models load | unload | pin | adapters …`: what is done with the models of a running server, over gRPC."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hypercube.cli.options import AsJson
from hypercube.cli.output import ERR, OUT, print_json, print_table
from hypercube.core.adapters import SEPARATOR, ServedAdapter
from hypercube.core.served_models import ServedModel

if TYPE_CHECKING:
    from hypercube.client import Client

DEFAULT_TARGET: Final = "127.0.0.1:50051"
"""As the client has it; importing that takes a tenth of a second, which `--help` need not wait for."""

adapters_cli = typer.Typer(help="LoRA adapters of a running server's models.", no_args_is_help=True)

Server = Annotated[str, typer.Option(help="gRPC address of the running server.")]
Name = Annotated[str, typer.Argument(help="Name of a model, as the server lists it.")]
Adapter = Annotated[str, typer.Argument(help="What requests call it, behind the model's name and a colon.")]


@contextmanager
def _talking(server: str, doing: str) -> "Iterator[Client]":
    """A client; a terminal shows what is waited for."""
    from hypercube.client import Client

    with Client(server) as client, ERR.status(doing):
        yield client


def models_load(model: Name, server: Server = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """Load a model of a running server now; exit code 2 with the reason if that fails."""
    with _talking(server, f"loading {model}") as client:
        loaded = client.load_model(model)
    _shown(loaded, as_json)


def models_unload(
    model: Name,
    drain: Annotated[
        float | None, typer.Option(min=0, help="Seconds to wait for answers under way; default 30.")
    ] = None,
    server: Server = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Have a running server finish what is under way with a model, and give its memory back."""
    with _talking(server, f"unloading {model}") as client:
        unloaded = client.unload_model(model, drain_s=drain)
    _shown(unloaded, as_json)


def models_pin(
    model: Name,
    drop: Annotated[bool, typer.Option("--drop", help="Let it be evicted again.")] = False,
    server: Server = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Keep a model of a running server in memory, whatever others need."""
    with _talking(server, f"pinning {model}") as client:
        pinned = client.pin_model(model, pinned=not drop)
    _shown(pinned, as_json)


@adapters_cli.command("list")
def adapters_list(model: Name, server: Server = DEFAULT_TARGET, as_json: AsJson = False) -> None:
    """The adapters that a model has."""
    with _talking(server, f"asking for the adapters of {model}") as client:
        found = client.adapters(model)
    if as_json:
        print_json([_plain(model, adapter) for adapter in found])
        return
    rows = [tuple(str(value) for value in _plain(model, adapter).values()) for adapter in found]
    if rows:
        print_table(("model", "adapter", "loaded", "kept", "licence", "digest"), rows)
    else:
        OUT.print(f"{model} has no adapters loaded.", markup=False, soft_wrap=True)


@adapters_cli.command("load")
def adapters_load(
    model: Name,
    adapter: Adapter,
    reference: Annotated[
        str,
        typer.Option(
            help="Which adapter of the registry: NAME, NAME@VERSION, NAME@ALIAS; default: of that name."
        ),
    ] = "",
    server: Server = DEFAULT_TARGET,
    as_json: AsJson = False,
) -> None:
    """Load an adapter, or have another version take its name; answers under way end with theirs."""
    with _talking(server, f"loading {model}{SEPARATOR}{adapter}") as client:
        loaded = client.load_adapter(model, adapter, reference=reference)
    _adapter(model, loaded, "is", as_json)


@adapters_cli.command("unload")
def adapters_unload(
    model: Name, adapter: Adapter, server: Server = DEFAULT_TARGET, as_json: AsJson = False
) -> None:
    """Unload an adapter; it leaves when nobody uses it any more."""
    with _talking(server, f"unloading {model}{SEPARATOR}{adapter}") as client:
        gone = client.unload_adapter(model, adapter)
    _adapter(model, gone, "was", as_json)


def _shown(model: ServedModel, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "name": model.name,
                "version": model.version,
                "state": model.status.state.value,
                "reason": model.status.reason,
                "pinned": model.pinned,
                "measured_bytes": model.measured_bytes,
                "digest": model.digest,
            }
        )
        return
    pinned = ", pinned" if model.pinned else ""
    OUT.print(
        f"{model.name}: {model.status.state.value} ({model.status.reason}){pinned}",
        markup=False,
        soft_wrap=True,
    )


def _plain(model: str, adapter: ServedAdapter) -> dict[str, object]:
    return {
        "model": f"{model}{SEPARATOR}{adapter.name}",
        "reference": adapter.reference,
        "loaded": adapter.loaded,
        "kept": adapter.kept,
        "licence": adapter.licence,
        "digest": adapter.digest,
    }


def _adapter(model: str, adapter: ServedAdapter, how: str, as_json: bool) -> None:
    if as_json:
        print_json(_plain(model, adapter))
        return
    OUT.print(f"{model}{SEPARATOR}{adapter.name} {how} {adapter.reference}", markup=False, soft_wrap=True)
