"""`hypercube serve`: the words of the command line. `serve` does the work."""

import asyncio
from typing import Annotated, Any

import typer

from hypercube.cli.options import Config


def serve(
    http_port: Annotated[
        int | None, typer.Option(help="HTTP port; 0 takes a free one. Default 8080.")
    ] = None,
    grpc_port: Annotated[
        int | None, typer.Option(help="gRPC port; 0 takes a free one. Default 50051.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Default 127.0.0.1.")] = None,
    workers: Annotated[
        int | None, typer.Option(help="Front-end processes that share one engine process. Default 1.")
    ] = None,
    allow_remote: Annotated[
        bool | None, typer.Option("--allow-remote", help="Needed for an address other than loopback.")
    ] = None,
    access: Annotated[
        str | None, typer.Option(help="on asks for keys on loopback, too; auto, the default, elsewhere only.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of the catalogue, `fake`, or `none`.")] = None,
    embedding_model: Annotated[
        str | None, typer.Option(help="A second model, for embeddings, e.g. all-minilm-l6-v2.")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="Another model, loaded by its first request; may be repeated.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Who runs the model: auto, llama.cpp, transformers, vllm.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, or one GPU: cuda:0 …")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16, fp16, fp8, int8 or int4.")] = None,
    tensor_parallel: Annotated[
        int | None, typer.Option(help="Devices (processes on a CPU) that share each layer.")
    ] = None,
    pipeline_parallel: Annotated[int | None, typer.Option(help="Devices that share the layers out.")] = None,
    backend: Annotated[str | None, typer.Option(help="Kernel backend: auto, reference, numba.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    config: Config = None,
) -> None:
    """Serve HTTP and gRPC until Ctrl-C, which lets the answers in flight finish."""
    from hypercube.app.loop import loop_factory
    from hypercube.cli.serve import serve_until_stopped
    from hypercube.settings import load_settings

    given: dict[str, dict[str, Any]] = {
        "server": {
            "http_port": http_port,
            "grpc_port": grpc_port,
            "host": host,
            "workers": workers,
            "allow_remote": allow_remote,
        },
        "access": {"mode": access},
        "model": {
            "name": model,
            "engine": engine,
            "device": device,
            "precision": precision,
            "tensor_parallel": tensor_parallel,
            "pipeline_parallel": pipeline_parallel,
        },
        "models": {"also": also or None},
        "embedding": {"name": embedding_model},
        "kernels": {"backend": backend},
        "log": {"level": log_level},
    }
    flags = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in given.items()
    }
    settings = load_settings(flags, file=config)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve_until_stopped(settings))
