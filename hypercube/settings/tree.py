"""The whole tree, and how it is read."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.settings.models import (
    CanarySettings,
    ChatSettings,
    EmbeddingSettings,
    ModelSettings,
    ModelsSettings,
    ReadingSettings,
    UpstreamSettings,
)
from hypercube.settings.serving import (
    AccessSettings,
    BatchingSettings,
    KernelSettings,
    LogSettings,
    ServerSettings,
    TlsSettings,
)

PREFIX: Final = "HYPERCUBE_"
_SECRET_WORDS: Final = ("key", "pepper", "redis_url", "secret", "password")
DEFAULT_FILE: Final = Path("hypercube.toml")


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        toml_file=None,
    )

    server: ServerSettings = ServerSettings()
    access: AccessSettings = AccessSettings()
    tls: TlsSettings = TlsSettings()
    batching: BatchingSettings = BatchingSettings()
    model: ModelSettings = ModelSettings()
    models: ModelsSettings = ModelsSettings()
    canary: CanarySettings = CanarySettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    upstream: UpstreamSettings = UpstreamSettings()
    chat: ChatSettings = ChatSettings()
    reading: ReadingSettings = ReadingSettings()
    kernels: KernelSettings = KernelSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags before environment before file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def load_settings(
    flags: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the tree.

    Args:
        flags: sections with the values that the command line set.
        file: a TOML file that must exist; None reads `hypercube.toml` of the working folder if it is there.
        environ: the environment to check for unknown names; None means the process's.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the key, the value and the nearest known key.
    """
    _check_environment(os.environ if environ is None else environ)
    if file is not None and not file.is_file():
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"There is no settings file {str(file)!r}.",
            param="--config",
            value=str(file),
        )
    path = file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    given: Any = {section: dict(values) for section, values in (flags or {}).items() if values}
    try:
        return FromFile(**given)
    except tomllib.TOMLDecodeError as error:
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT, f"{path} is not valid TOML: {error}.", param=str(path)
        ) from error
    except ValidationError as error:
        raise _explained(error) from error


def known_keys() -> tuple[str, ...]:
    """Every leaf of the tree as `section.key`."""
    return tuple(
        f"{section}.{key}"
        for section, field in Settings.model_fields.items()
        for key in _section_class(field.annotation).model_fields
    )


def _section_class(annotation: Any) -> type[BaseModel]:
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation


def _variables(keys: Iterable[str]) -> dict[str, str]:
    return {PREFIX + key.replace(".", "_", 1).upper(): key for key in keys}


def _check_environment(environ: Mapping[str, str]) -> None:
    known = _variables(known_keys())
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            close = nearest(name, known)
            raise HyperCubeError(
                ErrorKind.INVALID_ARGUMENT,
                f"The environment variable {name} is not a setting.",
                param=name,
                value=_shown_setting(name, environ[name]),
                fix=f"Did you mean {close}?" if close else f"Settings: {', '.join(sorted(known))}.",
            )


def _shown_setting(name: str, value: object) -> object:
    """A secret is not repeated, not even one in the wrong place."""
    lowered = name.lower()
    return "(not shown)" if any(word in lowered for word in _SECRET_WORDS) else value


def _explained(error: ValidationError) -> HyperCubeError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        close = nearest(key, (*known_keys(), *Settings.model_fields))
        return HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"{key} is not a setting.",
            param=key,
            value=_shown_setting(key, first.get("input")),
            fix=f"Did you mean {close}?" if close else f"Settings: {', '.join(known_keys())}.",
        )
    given = _shown_setting(key, first.get("input"))
    return HyperCubeError(
        ErrorKind.INVALID_ARGUMENT,
        f"{key} = {given!r} is not allowed: {first['msg'].removeprefix('Value error, ')}.",
        param=key,
        value=given,
    )
