"""inference.GRPCInferenceService: the Open Inference Protocol v2."""

from collections.abc import AsyncIterator
from typing import Any, Final

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from hypercube._version import __version__
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure
from hypercube.core.principal import Role
from hypercube.core.tensors import TensorSpec
from hypercube.gateway.errors import error_object
from hypercube.gateway.grpc.inference_wire import PackedAnswer, read_request
from hypercube.gateway.grpc.methods import Duplex, Methods, Packed, Serializable, Unary
from hypercube.gateway.handlers import inference_models, inference_v2
from hypercube.gateway.handlers.inference_references import find
from hypercube.gateway.handlers.inference_types import InferAnswer, InferRequest
from hypercube.gateway.inference_statistics import Duration
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.shared_memory import Region, no_cuda
from hypercube.gateway.streams import Mapped
from hypercube.wire.inference import model_config_pb2
from hypercube.wire.inference import service_pb2 as pb

SERVICE: Final = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name


async def server_live(services: GatewayServices, request: Message, call: Call) -> Message:
    """The process answers."""
    return pb.ServerLiveResponse(live=True)


async def server_ready(services: GatewayServices, request: Message, call: Call) -> Message:
    """Charts can be computed."""
    return pb.ServerReadyResponse(ready=await inference_models.server_ready(services))


async def server_metadata(services: GatewayServices, request: Message, call: Call) -> Message:
    """Who answers."""
    return pb.ServerMetadataResponse(
        name="hypercube", version=__version__, extensions=inference_models.EXTENSIONS
    )


async def model_ready(services: GatewayServices, request: pb.ModelReadyRequest, call: Call) -> Message:
    """A model answers."""
    ready = await inference_models.ready(services, request.name, request.version, call)
    return pb.ModelReadyResponse(ready=ready)


async def model_metadata(services: GatewayServices, request: pb.ModelMetadataRequest, call: Call) -> Message:
    """What a model is."""
    meant = await find(services, request.name, request.version, call)
    model = meant.model
    return pb.ModelMetadataResponse(
        name=model.name,
        versions=meant.versions,
        platform=model.platform,
        inputs=[_tensor(spec) for spec in model.inputs],
        outputs=[_tensor(spec) for spec in model.outputs],
    )


async def model_config(services: GatewayServices, request: pb.ModelConfigRequest, call: Call) -> Message:
    """A model's configuration."""
    meant = await find(services, request.name, request.version, call)
    config = ParseDict(inference_models.config(meant.model), model_config_pb2.ModelConfig())
    return pb.ModelConfigResponse(config=config)


async def model_statistics(
    services: GatewayServices, request: pb.ModelStatisticsRequest, call: Call
) -> Message:
    """The counters of one model, or of all."""
    found = await inference_models.statistics(services, request.name, request.version, call)
    reply = pb.ModelStatisticsResponse()
    for name, version, counters in found:
        stats = pb.InferStatistics(
            success=_duration(counters.success),
            fail=_duration(counters.fail),
            queue=_duration(counters.queue),
            compute_input=_duration(counters.compute_input),
            compute_infer=_duration(counters.compute_infer),
            compute_output=_duration(counters.compute_output),
        )
        reply.model_stats.add(
            name=name,
            version=version,
            last_inference=counters.last_inference_ms,
            inference_count=counters.inferences,
            execution_count=round(counters.executions),
            inference_stats=stats,
        )
    return reply


async def repository_index(
    services: GatewayServices, request: pb.RepositoryIndexRequest, call: Call
) -> Message:
    """Every model."""
    reply = pb.RepositoryIndexResponse()
    for entry in await inference_models.index(services, call, ready_only=request.ready):
        reply.models.add(name=entry.name, version=entry.version, state=entry.state, reason=entry.reason)
    return reply


async def repository_load(
    services: GatewayServices, request: pb.RepositoryModelLoadRequest, call: Call
) -> Message:
    """A model is loaded."""
    await inference_models.load(services, request.model_name, dict(request.parameters), call)
    return pb.RepositoryModelLoadResponse()


async def repository_unload(
    services: GatewayServices, request: pb.RepositoryModelUnloadRequest, call: Call
) -> Message:
    """Refused, with the reason."""
    await inference_models.unload(services, request.model_name, call)
    return pb.RepositoryModelUnloadResponse()


async def regions(
    services: GatewayServices, request: pb.SystemSharedMemoryStatusRequest, call: Call
) -> Message:
    """One shared-memory region, or all."""
    reply = pb.SystemSharedMemoryStatusResponse()
    for each in services.regions.status(request.name):
        entry = reply.regions[each.name]
        entry.name, entry.key, entry.offset, entry.byte_size = (
            each.name,
            each.key,
            each.offset,
            each.byte_size,
        )
    return reply


async def register(
    services: GatewayServices, request: pb.SystemSharedMemoryRegisterRequest, call: Call
) -> Message:
    """Map a range of shared memory."""
    await services.regions.register(Region(request.name, request.key, request.offset, request.byte_size))
    return pb.SystemSharedMemoryRegisterResponse()


async def unregister(
    services: GatewayServices, request: pb.SystemSharedMemoryUnregisterRequest, call: Call
) -> Message:
    """Forget one region, or all."""
    services.regions.unregister(request.name)
    return pb.SystemSharedMemoryUnregisterResponse()


async def cuda_status(services: GatewayServices, request: Message, call: Call) -> Message:
    """There are none."""
    return pb.CudaSharedMemoryStatusResponse()


async def cuda(services: GatewayServices, request: Message, call: Call) -> Message:
    """Refused."""
    raise no_cuda(ErrorKind.METHOD_NOT_ALLOWED)


async def infer(services: GatewayServices, request: InferRequest, call: Call) -> Serializable:
    """Run a model."""
    return PackedAnswer(await inference_v2.infer(services, request, call))


async def stream(services: GatewayServices, request: InferRequest, call: Call) -> AsyncIterator[Serializable]:
    """Run a model, answer by answer."""
    answers: AsyncIterator[InferAnswer] = await inference_v2.stream(services, request, call)
    return Mapped(answers, lambda answer: PackedAnswer(answer, streamed=True))


def failed(failure: Failure) -> Serializable:
    """The failure of one request of a stream."""
    return pb.ModelStreamInferResponse(error_message=error_object(failure)["message"])


def _tensor(spec: TensorSpec) -> pb.ModelMetadataResponse.TensorMetadata:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=spec.datatype.value, shape=spec.shape
    )


def _duration(duration: Duration) -> pb.StatisticDuration:
    return pb.StatisticDuration(count=duration.count, ns=duration.ns)


def _quick(request: type[Message], answer: Any) -> Unary[Any]:
    return Unary(request, answer, lambda services: services.limits.chart_s)


def _admin(request: type[Message], answer: Any) -> Unary[Any]:
    return Unary(request, answer, lambda services: services.limits.chat_s, Role.ADMIN)


METHODS: Final[Methods] = {
    "ServerLive": _quick(pb.ServerLiveRequest, server_live),
    "ServerReady": _quick(pb.ServerReadyRequest, server_ready),
    "ServerMetadata": _quick(pb.ServerMetadataRequest, server_metadata),
    "ModelReady": _quick(pb.ModelReadyRequest, model_ready),
    "ModelMetadata": _quick(pb.ModelMetadataRequest, model_metadata),
    "ModelConfig": _quick(pb.ModelConfigRequest, model_config),
    "ModelStatistics": _quick(pb.ModelStatisticsRequest, model_statistics),
    "ModelInfer": Packed(read_request, infer, lambda services: services.limits.chat_s),
    "ModelStreamInfer": Duplex(read_request, stream, failed, lambda services: services.limits.chat_s),
    "RepositoryIndex": _quick(pb.RepositoryIndexRequest, repository_index),
    "RepositoryModelLoad": _admin(pb.RepositoryModelLoadRequest, repository_load),
    "RepositoryModelUnload": _admin(pb.RepositoryModelUnloadRequest, repository_unload),
    "SystemSharedMemoryStatus": _quick(pb.SystemSharedMemoryStatusRequest, regions),
    "SystemSharedMemoryRegister": _quick(pb.SystemSharedMemoryRegisterRequest, register),
    "SystemSharedMemoryUnregister": _quick(pb.SystemSharedMemoryUnregisterRequest, unregister),
    "CudaSharedMemoryStatus": _quick(pb.CudaSharedMemoryStatusRequest, cuda_status),
    "CudaSharedMemoryRegister": _quick(pb.CudaSharedMemoryRegisterRequest, cuda),
    "CudaSharedMemoryUnregister": _quick(pb.CudaSharedMemoryUnregisterRequest, cuda),
}
