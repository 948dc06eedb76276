"""`hypercube keys …`: the words of the command line, and how answers look. `keys` does the work."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from hypercube.cli.options import AsJson, Config
from hypercube.cli.output import ERR, print_json, print_table

keys_cli = typer.Typer(help="API keys: who may use the server, and how much.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="Id of a key, as `hypercube keys list` shows it.")]


def _when(seconds: float | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


@keys_cli.command("create")
def keys_create(
    name: Annotated[str, typer.Argument(help="Whose key it is, for lists and audits.")],
    role: Annotated[list[str] | None, typer.Option(help="user or admin; may be repeated.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="route:/v1/saju/*, cube:chat, model:gemma*; may be repeated. Default: everything."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="In how long: 12h, 90d. Default: never.")] = None,
    requests: Annotated[str | None, typer.Option(help="Quota of requests, e.g. 60/min.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Quota of tokens, e.g. 100000/day.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: only its hash is kept."""
    from hypercube.cli.keys import Keys

    made = Keys(config).create(
        name, roles=role or [], scopes=scope or [], expires=expires, requests=requests, tokens=tokens
    )
    _given(made, as_json)


@keys_cli.command("list")
def keys_list(config: Config = None, as_json: AsJson = False) -> None:
    """Every key, without its secret."""
    from hypercube.cli.keys import Keys

    keys = Keys(config).list()
    if as_json:
        print_json(keys)
        return
    print_table(
        ("id", "name", "state", "roles", "scopes", "expires", "quotas"),
        [
            (
                key["id"],
                key["name"],
                key["state"],
                ", ".join(key["roles"]),
                ", ".join(key["scopes"]) or "everything",
                _when(key["expires"]),
                ", ".join(f"{key[of]} {of}" for of in ("requests", "tokens") if key[of]) or "-",
            )
            for key in keys
        ],
        whole=("id",),
    )


@keys_cli.command("show")
def keys_show(key_id: KeyId, config: Config = None, as_json: AsJson = False) -> None:
    """One key, without its secret."""
    from hypercube.cli.keys import Keys

    _shown(Keys(config).show(key_id), as_json)


@keys_cli.command("rotate")
def keys_rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(help="How long the old secret is good for: 0s, 24h.")] = "24h",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it; the old one is good for a while, so nobody is locked out."""
    from hypercube.cli.keys import Keys

    _given(Keys(config).rotate(key_id, overlap), as_json)


@keys_cli.command("revoke")
def keys_revoke(key_id: KeyId, config: Config = None, as_json: AsJson = False) -> None:
    """Refuse a key from now on, with all its secrets."""
    from hypercube.cli.keys import Keys

    _shown(Keys(config).revoke(key_id), as_json)


def _given(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    ERR.print(f"Key {made['id']} of {made['name']}. It is shown only now:", markup=False, soft_wrap=True)
    typer.echo(made["key"])


def _shown(key: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(key)
        return
    secrets = [
        f"made {_when(each['created'])}"
        + (f", good until {_when(each['expires'])}" if each["expires"] is not None else "")
        for each in key["secrets"]
    ]
    print_table(
        ("key", key["id"]),
        [
            ("name", key["name"]),
            ("state", key["state"]),
            ("roles", ", ".join(key["roles"])),
            ("scopes", ", ".join(key["scopes"]) or "everything"),
            ("created", _when(key["created"])),
            ("expires", _when(key["expires"])),
            ("revoked", _when(key["revoked"])),
            ("requests", key["requests"] or "-"),
            ("tokens", key["tokens"] or "-"),
            *(("secret", each) for each in secrets),
        ],
    )
