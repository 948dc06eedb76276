"""Which model, and which version of it, a name of the Open Inference Protocol means.

A name is `model`, `model@version`, `model@alias` or one of those with an adapter (`model:adapter`); a version may come
beside it, in the path or in a field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hypercube.core.adapters import SEPARATOR, addressed
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.core.served_models import Capability, EngineState, EngineStatus, KnownVersion, ServedModel
from hypercube.core.tensors import (
    ANY,
    KERNEL_MODELS,
    TensorModel,
    TensorSpec,
    embedding_model,
    generation_model,
)
from hypercube.gateway.handlers import models as served_models
from hypercube.gateway.services import GatewayServices

VERSION: Final = "1"
"""Of what has no version of its own: the kernels, and models that the registry does not know."""
_AT: Final = "@"


@dataclass(frozen=True, slots=True)
class Meant:
    """What a request is about.

    Attributes:
        model: what it takes and gives; its name is as asked for.
        name: of the model alone, as its statistics go by.
        asks: the reference that engines are asked by.
        version: that answers, as far as it is known before the answer.
        versions: every version of the model; only the one asked for, where one was.
        counted: the version that its statistics go by.
        status: where that version stands; None for a kernel.
        misfit: why it cannot be asked by this protocol, although its signature says so; empty = it can.
    """

    model: TensorModel
    name: str
    asks: str
    version: str
    versions: tuple[str, ...]
    counted: str
    status: EngineStatus | None = None
    misfit: str = ""

    def counted_as(self, call: Call) -> str:
        """The version that its statistics go by, after the answer."""
        return call.served_by.partition(_AT)[2] or self.counted

    def answered_by(self, call: Call) -> str:
        """The version to be told with the answer; of an adapter its own, else the one that made the answer."""
        return self.version if SEPARATOR in self.asks else call.served_by.partition(_AT)[2] or self.version


async def find(services: GatewayServices, name: str, version: str, call: Call) -> Meant:
    """What a name and a version mean; an empty version leaves it to the name, and that to the server.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name, or the versions that there are.
    """
    bare, _, selector = addressed(name).model.partition(_AT)
    kernel = KERNEL_MODELS.get(bare)
    if kernel is not None and SEPARATOR not in name:
        for wanted, param in ((selector, "model"), (version, "version")):
            if wanted not in ("", VERSION):
                raise _no_version(bare, wanted, param, (VERSION,), ())
        return Meant(replace(kernel, name=name), bare, bare, VERSION, (VERSION,), VERSION)
    entries = {served.name: served for served in await served_models.models(services, call)}
    owner = entries.get(bare)
    model = None if owner is None or bare in KERNEL_MODELS else described(owner)
    adapter = addressed(name).adapter
    if owner is None or model is None or (adapter and not model.decoupled):
        raise _unknown(name, [*KERNEL_MODELS, *(key for key, each in entries.items() if described(each))])
    if adapter:
        return _with_adapter(
            owner, model, name, selector, version, entries.get(f"{bare}{SEPARATOR}{adapter}")
        )
    known = known_versions(owner)
    one = _chosen(owner, known, selector, version)
    home = own_version(owner)
    if one is None:
        answers = next((each for each in known if each.answers == home), known[0])
        versions = tuple(each.version for each in known)
        meant = Meant(replace(model, name=name), bare, bare, home, versions, home, owner.status)
        return _signed(meant, answers, owner)
    asks = f"{bare}{_AT}{version or selector}" if owner.known else bare
    status = status_of(owner, one.answers)
    meant = Meant(replace(model, name=name), bare, asks, one.answers, (one.version,), one.answers, status)
    return _signed(meant, one, owner)


def described(served: ServedModel) -> TensorModel | None:
    """What a served model takes and gives, as its engine has it; None for one that has no place in the protocol."""
    return next(iter(_abilities(served)), None)


def _abilities(served: ServedModel) -> tuple[TensorModel, ...]:
    """Each thing that its engine can do, as a model of the protocol; generating first."""
    makers = ((Capability.GENERATE, generation_model), (Capability.EMBED, embedding_model))
    return tuple(make(served.name) for ability, make in makers if ability in served.capabilities)


def own_version(served: ServedModel) -> str:
    """The version that answers the model's bare name."""
    return served.version or VERSION


def known_versions(served: ServedModel) -> tuple[KnownVersion, ...]:
    """Every version that can be asked for."""
    return served.known or (KnownVersion(own_version(served), own_version(served)),)


def status_of(served: ServedModel, version: str) -> EngineStatus:
    """Where a version of a model stands; one that is not at hand is loaded by the first request for it."""
    if version == own_version(served):
        return served.status
    at_hand = (each.status for each in served.versions if each.version == version)
    return next(at_hand, EngineStatus(EngineState.IDLE, "the first request loads it"))


def _chosen(
    owner: ServedModel, known: Sequence[KnownVersion], selector: str, version: str
) -> KnownVersion | None:
    """The version that was asked for; None where none was."""
    by_version = {each.version: each for each in known}
    aliases = owner.aliases
    found: KnownVersion | None = None
    if selector:
        found = by_version.get(aliases.get(selector, selector))
        if found is None:
            raise _no_version(owner.name, selector, "model", by_version, aliases)
    if not version:
        return found
    wanted = by_version.get(version)
    if wanted is None:
        raise _no_version(owner.name, version, "version", by_version, ())
    if found is not None and found.answers != wanted.answers:
        raise HyperCubeError(
            ErrorKind.MODEL_NOT_FOUND,
            f"{owner.name}@{selector} is version {found.version}, not {version}.",
            param="version",
            value=version,
            fix=f"Leave the version out, or ask for {owner.name!r} and the version.",
            details={"choices": [found.version]},
        )
    return wanted


def _signed(meant: Meant, version: KnownVersion, served: ServedModel) -> Meant:
    """With the names, types and shapes that the version's signature gives its tensors.

    Where the engine both generates and embeds, the signature says which of them the version is for.
    """
    model = meant.model
    own = (model, *(replace(each, name=model.name) for each in _abilities(served)[1:]))
    # An adapter is of a model that generates, whatever else its engine can do.
    for each in own[:1] if SEPARATOR in model.name else own:
        inputs, outputs = _named(each.inputs, version.inputs), _named(each.outputs, version.outputs)
        if inputs is not None and outputs is not None:
            return replace(meant, model=replace(each, inputs=inputs, outputs=outputs))
    takes, gives = version.inputs or model.inputs, version.outputs or model.outputs
    misfit = (
        f"The signature of {meant.name}@{version.version} takes {_listed(takes)} and gives {_listed(gives)}, "
        f"but its engine takes {_listed(model.inputs)} and gives {_listed(model.outputs)}."
    )
    return replace(meant, model=replace(model, inputs=takes, outputs=gives), misfit=misfit)


def _named(own: Sequence[TensorSpec], signed: Sequence[TensorSpec]) -> tuple[TensorSpec, ...] | None:
    """The engine's tensors under the signature's names, each dimension as the stricter of both; None if they differ."""
    if not signed:
        return tuple(own)
    if len(own) != len(signed):
        return None
    found = []
    for engines, named in zip(own, signed, strict=True):
        pairs = tuple(zip(engines.shape, named.shape, strict=False))
        if (
            engines.datatype is not named.datatype
            or len(engines.shape) != len(named.shape)
            or any(ANY not in pair and pair[0] != pair[1] for pair in pairs)
        ):
            return None
        found.append(replace(engines, name=named.name, shape=tuple(max(pair) for pair in pairs)))
    return tuple(found)


def _listed(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{each.name} {each}" for each in specs)


def _with_adapter(
    owner: ServedModel, model: TensorModel, name: str, selector: str, version: str, listed: ServedModel | None
) -> Meant:
    """A model with an adapter, which has versions of its own; one that is not listed is looked for by its request."""
    one = _chosen(owner, known_versions(owner), selector, "")
    base = own_version(owner) if one is None else one.answers
    asks, own = name, VERSION
    if listed is not None:
        own = own_version(listed)
        if version not in ("", own):
            raise _no_version(name, version, "version", (own,), ())
    else:
        tuned = addressed(name).adapter.partition(_AT)[2]
        if version and not tuned:
            asks, own = f"{name}{_AT}{version}", version
        elif version not in ("", tuned):
            raise _no_version(name, version, "version", (tuned,), ())
    meant = Meant(replace(model, name=name), owner.name, asks, own, (own,), base, status_of(owner, base))
    known = known_versions(owner)
    return _signed(meant, next((each for each in known if each.answers == base), known[0]), owner)


def _unknown(name: str, known: Sequence[str]) -> HyperCubeError:
    like = nearest(name, known)
    return HyperCubeError(
        ErrorKind.MODEL_NOT_FOUND,
        f"No model {shown(name)!r} is served here.",
        param="model",
        value=name,
        fix=(f"Did you mean {like!r}? " if like else "") + f"Served: {', '.join(known)}.",
    )


def _no_version(
    name: str,
    wanted: str,
    param: str,
    known: Sequence[str] | Mapping[str, object],
    aliases: Sequence[str] | Mapping[str, str],
) -> HyperCubeError:
    what = "version or alias" if aliases else "version"
    choices = [*aliases, *known]
    like = nearest(wanted, choices)
    return HyperCubeError(
        ErrorKind.MODEL_NOT_FOUND,
        f"The model {shown(name)!r} has no {what} {shown(wanted)!r}.",
        param=param,
        value=wanted,
        fix=(f"Did you mean {like!r}? " if like else "") + f"Known: {', '.join(choices)}.",
        details={"choices": choices},
    )
