"""Several front-end processes that share one engine process: who starts whom, and what goes between them.

supervisor  the process that was started; owns the listening sockets, starts, watches and replaces the others
engine      owns the models; answers over a Unix socket in a folder that only this user can open
front-ends  HTTP, gRPC, charts; reach the models through the engine process
"""
