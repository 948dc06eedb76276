"""A route as data: where it is, who answers, and what its documentation shows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hypercube.core.principal import Role
from hypercube.gateway.http.endpoint import Endpoint, Handler
from hypercube.gateway.http.query import Parameter
from hypercube.gateway.http.responses import JSON
from hypercube.gateway.services import GatewayServices


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path.

    Attributes:
        method: GET, POST or DELETE.
        path: template; `{name}` is one segment, `{name:path}` the rest.
        tag: the group it is shown under.
        summary: one line.
        handler: who answers.
        allowance: which default deadline of `Limits` holds.
        request: type of the body, or None if it takes none.
        examples: bodies that work as pasted, by name.
        response: type of the JSON answer, or None.
        response_example: an answer as the server gives it.
        media: content types of a good answer.
        errors: statuses that a caller should expect beside the good one.
        description: more than the summary says.
        parameters: what each path parameter is, with an example.
        query: what may follow the question mark.
        role: what its caller needs.
        keyed: whether an idempotency key is honoured.
        not_ready: status under which the answer comes that says "no", of the same type as the good one.
    """

    method: Literal["GET", "POST", "DELETE"]
    path: str
    tag: str
    summary: str
    handler: Handler
    allowance: Literal["chart_s", "batch_s", "chat_s"] = "chart_s"
    request: Any = None
    examples: Mapping[str, Any] = field(default_factory=dict)
    response: Any = None
    response_example: Any = None
    media: tuple[str, ...] = (JSON,)
    errors: tuple[int, ...] = ()
    description: str = ""
    parameters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    query: Mapping[str, Parameter] = field(default_factory=dict)
    role: Role = Role.USER
    keyed: bool = False
    not_ready: int | None = None

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"\{(\w+):\w+\}", r"{\1}", self.path)

    @property
    def identifier(self) -> str:
        """A unique name for generated clients."""
        words = re.findall(r"[A-Za-z0-9]+", self.template)
        return "_".join((self.method.lower(), *words))

    def endpoint(self, services: GatewayServices) -> Endpoint:
        """The live route."""
        return Endpoint(
            services,
            self.handler,
            path=self.path,
            route=self.template,
            method=self.method,
            default_s=getattr(services.limits, self.allowance),
            role=self.role,
            keyed=self.keyed,
        )
