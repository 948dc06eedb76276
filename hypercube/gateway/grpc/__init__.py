"""gRPC: `hypercube.v1`, health and reflection, on the same handlers as HTTP."""

from hypercube.gateway.grpc.server import create_grpc_server

__all__ = ["create_grpc_server"]
