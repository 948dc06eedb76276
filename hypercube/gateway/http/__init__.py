"""HTTP: OpenAI's routes, the charts, the cubes, and the pages around them."""

from hypercube.gateway.http.app import create_http_app

__all__ = ["create_http_app"]
