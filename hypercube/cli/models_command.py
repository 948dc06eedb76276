"""`hypercube models …`: the words of the command line, and how answers look. `models` does the work."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hypercube.cli.models_server_command import adapters_cli, models_load, models_pin, models_unload
from hypercube.cli.options import AsJson, Config
from hypercube.cli.output import OUT, print_json, print_table
from hypercube.core.errors import invalid

models_cli = typer.Typer(help="Models: their versions, files, aliases and splits.", no_args_is_help=True)
models_cli.command("load")(models_load)
models_cli.command("unload")(models_unload)
models_cli.command("pin")(models_pin)
models_cli.add_typer(adapters_cli, name="adapters")

Reference = Annotated[str, typer.Argument(help="NAME, NAME@VERSION or NAME@ALIAS.")]
Name = Annotated[str, typer.Argument(help="Name of a model.")]
Who = Annotated[str | None, typer.Option(help="Who does it, for the history; default: your user name.")]


def _say(text: str) -> None:
    OUT.print(text, markup=False, soft_wrap=True)


def _size(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e3:.1f} kB"


@models_cli.command("list")
def models_list(
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Every version of every model: of the catalogue, brought by you, converted here."""
    from hypercube.cli.models import listed, open_registry

    rows = listed(open_registry(config), name)
    if as_json:
        print_json(rows)
        return
    columns = ("model", "version", "aliases", "engine", "size", "licence", "here")
    keys = ("name", "version", "aliases", "engine", "size", "licence", "here")
    print_table(
        columns,
        [tuple(", ".join(row[k]) if isinstance(row[k], list) else str(row[k]) for k in keys) for row in rows],
    )


@models_cli.command("show")
def models_show(reference: Reference, config: Config = None, as_json: AsJson = False) -> None:
    """One version: its files, sources, limits, aliases, memory, and who uses it."""
    from hypercube.cli.models import open_registry, shown_model

    data = shown_model(open_registry(config), reference)
    if as_json:
        print_json(data)
        return
    rows: list[tuple[str, ...]] = []
    for key, value in data.items():
        if key == "files":
            rows += [("file", f"{f['name']}  {_size(f['size'])}  sha256 {f['sha256']}") for f in value]
        elif key == "memory":
            measured = ", ".join(f"{_size(count)} on {d}" for d, count in value["measured_bytes"].items())
            rows.append(
                ("memory", f"{_size(value['estimated_bytes'])} estimated; {measured or 'not measured yet'}")
            )
        elif value not in (None, [], {}):
            rows.append((key, _plain(value)))
    print_table((reference, ""), rows)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(each) for each in value)
    return str(value)


@models_cli.command("add")
def models_add(
    path: Annotated[Path | None, typer.Argument(help="A manifest: .toml, .yaml or .json.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A folder with safetensors files.")] = None,
    gguf: Annotated[Path | None, typer.Option(help="A GGUF file.")] = None,
    hub: Annotated[str | None, typer.Option(help="A model hub repository: ORG/NAME or ORG/NAME@REV.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name here; default: that of the source.")] = None,
    version: Annotated[str | None, typer.Option(help="Semantic version; default 1.0.0.")] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX identifier.")] = None,
    engine: Annotated[str | None, typer.Option(help="The preferred engine.")] = None,
    base: Annotated[str | None, typer.Option(help="Of a LoRA adapter: the model it adapts.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave these files out (pattern).")] = None,
    include: Annotated[list[str] | None, typer.Option(help="Take only these files (pattern).")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Bring your own model: from a folder, a GGUF file, the hub, or as a manifest whose files are pulled later."""
    from hypercube.cli.models import added, open_registry

    answer = added(
        open_registry(config),
        path,
        folder,
        gguf,
        hub,
        name,
        version=version,
        licence=licence,
        engine=engine,
        base=base,
        exclude=tuple(exclude or ()),
        include=tuple(include or ()),
    )
    if as_json:
        print_json(answer)
        return
    reference = f"{answer['name']}@{answer['version']}"
    _say(f"{reference}: {answer['files']} files, {_size(answer['bytes'])}, digest {answer['digest']}")
    if answer["here"]:
        _say(f"Serve it: hypercube serve --model {answer['name']}")
    else:
        _say(f"Fetch it: hypercube models pull {reference}")


@models_cli.command("pull")
def models_pull(reference: Reference, config: Config = None, as_json: AsJson = False) -> None:
    """Download a version, verified; what a broken download left is used. Prints where its first file lies."""
    from hypercube.cli.models import open_registry, pulled

    answer = pulled(open_registry(config), reference)
    if as_json:
        print_json(answer)
    else:
        _say(answer["path"])


@models_cli.command("verify")
def models_verify(reference: Reference, config: Config = None, as_json: AsJson = False) -> None:
    """Read a stored version and compare its digests; exit code 2 names the file that is damaged."""
    from hypercube.cli.models import open_registry, verified

    answer = verified(open_registry(config), reference)
    if as_json:
        print_json(answer)
        return
    speed = f"{_size(answer['bytes'])} in {answer['seconds']:.2f} s"
    _say(f"{answer['name']}@{answer['version']}: every byte is as published ({speed}).")


@models_cli.command("alias")
def models_alias(
    name: Name,
    alias: Annotated[str | None, typer.Argument(help="production, canary, or any name.")] = None,
    version: Annotated[str | None, typer.Argument(help="Where it is to lead.")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Have no such alias any more.")] = False,
    expected: Annotated[
        str | None, typer.Option(help="Move it only if it leads to this version now.")
    ] = None,
    who: Who = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Move an alias to a version, in one step for every process; without words, show the aliases."""
    from hypercube.cli.models import open_registry, routes_of

    registry = open_registry(config)
    if alias is None or (version is None and not drop):
        if alias is not None or drop:
            raise invalid(
                f"Say where {alias or 'the alias'} is to lead, or --drop with its name.",
                param="version",
                fix=f"Write: hypercube models alias {name} {alias or 'production'} VERSION",
            )
        _routes(routes_of(registry, name), as_json)
        return
    if drop and version is not None:
        raise invalid("--drop takes no version.", param="version", value=version)
    if drop:
        move = registry.drop_alias(name, alias, who=who)
    else:
        move = registry.set_alias(name, alias, version or "", who=who, expected=expected)
    _moved(name, move.plain(), as_json)


@models_cli.command("split")
def models_split(
    name: Name,
    weights: Annotated[list[str] | None, typer.Argument(help="production=95 canary=5")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="End the split.")] = False,
    max_error_rate: Annotated[
        float | None, typer.Option(help="Share of failed requests, 0 to 1, that a canary may have.")
    ] = None,
    max_latency_ratio: Annotated[
        float | None, typer.Option(help="How many times production's p95 a canary's may be.")
    ] = None,
    min_requests: Annotated[int | None, typer.Option(help="Requests seen before a canary is judged.")] = None,
    window_s: Annotated[float | None, typer.Option(help="Seconds that a request counts for.")] = None,
    who: Who = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Share the requests for NAME out among aliases or versions, sticky by the caller's key.

    A running server takes requests away from a target that fails or is slow. Without any bound here, those of its
    settings count.
    """
    from hypercube.cli.models import open_registry, routes_of, weights_of
    from hypercube.core.canary_bounds import CanaryBounds

    registry = open_registry(config)
    if drop and weights:
        raise invalid("--drop takes no weights.", param="weights", value=" ".join(weights))
    bounds = CanaryBounds.given(
        max_error_rate=max_error_rate,
        max_latency_ratio=max_latency_ratio,
        min_requests=min_requests,
        window_s=window_s,
    )
    if bounds is not None and not weights:
        raise invalid(
            "Bounds go with the weights of a split.",
            param="weights",
            fix=f"Write: hypercube models split {name} production=95 canary=5 --max-error-rate 0.02",
        )
    if drop:
        _moved(name, registry.drop_split(name, who=who).plain(), as_json)
    elif weights:
        move = registry.set_split(name, weights_of(weights), who=who, bounds=bounds)
        _moved(name, move.plain(), as_json)
    else:
        _routes(routes_of(registry, name), as_json)


@models_cli.command("rollback")
def models_rollback(
    name: Name,
    alias: Annotated[str, typer.Argument(help="Which alias.")] = "production",
    split: Annotated[bool, typer.Option("--split", help="The split instead of an alias.")] = False,
    who: Who = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Undo the last move of an alias, or of the split; once more undoes the move before that."""
    from hypercube.cli.models import open_registry, subject_of

    move = open_registry(config).rollback(name, subject_of(alias, split=split), who=who)
    _moved(name, move.plain(), as_json)


@models_cli.command("history")
def models_history(name: Name, config: Config = None, as_json: AsJson = False) -> None:
    """Who moved which alias when, from where to where."""
    from hypercube.cli.models import open_registry

    moves = [move.plain() for move in open_registry(config).history(name)]
    if as_json:
        print_json(moves)
        return
    keys = ("time", "who", "action", "subject", "from", "to")
    print_table(keys, [tuple("-" if m[key] is None else _plain(m[key]) for key in keys) for m in moves])
    for move in moves:
        if "why" in move:
            _say(f"{move['time']} {move['action']} by {move['who']}: {move['why']}.")


@models_cli.command("convert")
def models_convert(
    reference: Reference,
    dtype: Annotated[str, typer.Option(help="bfloat16, float16 or float32.")] = "bfloat16",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make the version for transformers and vLLM out of a GGUF model; prints its folder."""
    from hypercube.cli.models import converted_model, open_registry

    answer = converted_model(open_registry(config), reference, dtype)
    if as_json:
        print_json(answer)
    else:
        _say(answer["folder"])


@models_cli.command("rm")
def models_rm(reference: Reference, config: Config = None, as_json: AsJson = False) -> None:
    """Delete a model with everything made from it, or one version; refused while an alias or a process uses it."""
    from hypercube.cli.models import open_registry, removed

    answer = removed(open_registry(config), reference)
    if as_json:
        print_json(answer)
    else:
        _say(f"{reference}: {_size(answer['freed_bytes'])} freed.")


@models_cli.command("gc")
def models_gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    keep: Annotated[
        int | None, typer.Option(min=0, help="Of each model, drop unused versions but the newest N.")
    ] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Delete what no version, alias, rollback or running process needs."""
    from hypercube.cli.models import collected, open_registry

    answer = collected(open_registry(config), keep=keep, dry_run=dry_run)
    if as_json:
        print_json(answer)
        return
    if answer["items"]:
        rows: list[tuple[str, ...]] = [
            (item["path"], _size(item["bytes"]), item["reason"]) for item in answer["items"]
        ]
        print_table(("path", "size", "why"), rows)
    _say(f"{_size(answer['bytes'])} {'would be' if dry_run else ''} freed.".replace("  ", " "))


def _routes(data: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(data)
        return
    rows: list[tuple[str, ...]] = [
        (f"{data['name']}@{alias}", version) for alias, version in data["aliases"].items()
    ]
    rows += [(f"{data['name']} → {target}", f"{share:.1%}") for target, share in data["split"].items()]
    if rows:
        print_table(("reference", "leads to"), rows)
    else:
        _say(f"{data['name']} has no aliases: it means its newest version.")


def _moved(name: str, move: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(move)
    else:
        before, after = ("nothing" if move[k] is None else _plain(move[k]) for k in ("from", "to"))
        _say(f"{name}@{move['subject']}: {before} -> {after}")
