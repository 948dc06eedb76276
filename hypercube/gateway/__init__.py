"""The doors of the platform: HTTP and gRPC in front of the same handlers.

`http/` and `grpc/` know a transport and no task; `handlers/` know a task and no transport; `errors.py` holds
the only maps from an `ErrorKind` to a status.
"""
