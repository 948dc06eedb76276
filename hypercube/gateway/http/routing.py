"""Which endpoint answers a path: a dictionary for plain paths, patterns for those with parameters."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.convertors import Convertor
from starlette.routing import compile_path
from starlette.types import Scope

from hypercube.core.errors import ErrorKind, HyperCubeError, shown
from hypercube.gateway.http.endpoint import Endpoint

Methods = dict[str, Endpoint]


class RouteTable:
    """Endpoints by path and method; HEAD is answered by GET's, without the body."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[str, Methods] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], Mapping[str, Convertor[Any]], Methods]] = {}
        for endpoint in endpoints:
            pattern, _, convertors = compile_path(endpoint.path)
            if convertors:
                methods = self._patterns.setdefault(endpoint.path, (pattern, convertors, {}))[2]
            else:
                methods = self._plain.setdefault(endpoint.path, {})
            methods[endpoint.method] = endpoint
            if endpoint.method == "GET":
                methods["HEAD"] = endpoint

    def find(self, scope: Scope) -> Endpoint | None:
        """The endpoint for a request, whose path parameters go into the scope; None for a path of no endpoint.

        Raises:
            HyperCubeError: METHOD_NOT_ALLOWED.
        """
        path: str = scope["path"]
        methods = self._plain.get(path)
        if methods is None:
            for pattern, convertors, candidates in self._patterns.values():
                if match := pattern.match(path):
                    found = match.groupdict().items()
                    scope["path_params"] = {name: convertors[name].convert(text) for name, text in found}
                    methods = candidates
                    break
            else:
                return None
        endpoint = methods.get(scope["method"])
        if endpoint is None:
            raise method_not_allowed(path, scope["method"], methods)
        return endpoint


def method_not_allowed(path: str, method: str, allowed: Iterable[str]) -> HyperCubeError:
    """The error for a path that exists, but not for this method; `allow` goes into the answer's header."""
    listed = ", ".join(sorted(allowed))
    return HyperCubeError(
        ErrorKind.METHOD_NOT_ALLOWED,
        f"{shown(path)} does not take {method}.",
        value=method,
        fix=f"Use {listed}.",
        details={"allow": listed},
    )
