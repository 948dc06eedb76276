import asyncio
import os
import sys

import grpc
import grpc.aio
import uvloop

from hypercube.wire.v1 import saju_pb2

V = set(os.environ.get("V", "").split("+"))


async def serve(port, padding):
    text = "x" * padding

    async def echo(request, context):
        if "time" in V:
            context.time_remaining()
        if "meta" in V:
            context.invocation_metadata()
        if "trail" in V:
            context.set_trailing_metadata(
                (
                    ("x-request-id", "3b1bbeba0db7a6ec87b6ef0c8fee4d3a"),
                    ("server-timing", 'compute;dur=0.043, items;desc="1", total;dur=0.060'),
                )
            )
        if "trail1" in V:
            context.set_trailing_metadata((("x-request-id", "3b1bbeba0db7a6ec87b6ef0c8fee4d3a"),))
        return saju_pb2.ChartReply(notes=[text], options=saju_pb2.ChartOptions(place=request.place))

    async def raw(request, context):
        request = saju_pb2.Birth.FromString(request)
        return saju_pb2.ChartReply(
            notes=[text], options=saju_pb2.ChartOptions(place=request.place)
        ).SerializeToString()

    from hypercube.saju.alone import chart_alone
    from hypercube.wire import convert

    async def spin(request, context):
        for i in range(NSPIN):
            pass
        return saju_pb2.ChartReply(notes=[text], options=saju_pb2.ChartOptions(place=request.place))

    async def alone(request, context):
        return (
            convert.everyday_to_bytes(chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(request))))
            if hasattr(convert, "chart_to_bytes")
            else convert.chart_to_proto(
                chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(request)))
            ).SerializeToString()
        )

    last = [b""]

    async def twice(request, context):
        prev, last[0] = last[0], request
        convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(prev or request)))
        ).SerializeToString()
        return convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(request)))
        ).SerializeToString()

    from hypercube.gateway.grpc.births import BirthReader
    from hypercube.saju.alone import everyday_chart
    import random
    reader = BirthReader()
    async def lean(request, context):
        b = reader(request)
        if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
        return convert.everyday_to_bytes(everyday_chart(b))
    async def trailr(request, context):
        context.set_trailing_metadata((("x-request-id", f"{random.getrandbits(128):032x}"),("server-timing",f'compute;dur={random.random():.3f}, items;desc="1", total;dur={random.random():.3f}')))
        return saju_pb2.ChartReply(notes=[text], options=saju_pb2.ChartOptions(place=request.place))
    from hypercube.gateway.grpc import rpc as _r2
    from hypercube.gateway.grpc.outcome import tell as _tell, ended as _ended
    from hypercube.gateway.services import GatewayServices as _GS
    from hypercube.core.principal import Role
    from hypercube.core.monitor import Monitor
    _sv = _GS(cubes=None, readiness=None, metrics_text=lambda: b"")
    mon = Monitor()
    import time as _time
    async def pv1(request, context):
        call = _r2._call(_sv, context, 10.0)
        b = reader(request)
        if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
        return convert.everyday_to_bytes(everyday_chart(b))
    async def pv2(request, context):
        t0 = _sv.clock()
        call = _r2._call(_sv, context, 10.0)
        b = reader(request)
        if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
        c = everyday_chart(b)
        _tell(context, call, _sv.clock()-t0)
        return convert.everyday_to_bytes(c)
    async def pv3(request, context):
        t0 = _sv.clock()
        call = _r2._call(_sv, context, 10.0)
        try:
            b = reader(request)
            if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
            c = everyday_chart(b)
            _tell(context, call, _sv.clock()-t0)
            return convert.everyday_to_bytes(c)
        finally:
            _ended(_sv, "x", Role.USER, context, call, None, _sv.clock()-t0)
    async def pv4(request, context):
        t0 = _sv.clock()
        call = _r2._call(_sv, context, 10.0)
        try:
            call.require(Role.USER)
            _sv.traffic.enter()
            try:
                b = reader(request)
                if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
                p0 = _time.perf_counter()
                c = everyday_chart(b)
                mon.done("process", _time.perf_counter()-p0, call.request_id)
                _tell(context, call, _sv.clock()-t0)
                return convert.everyday_to_bytes(c)
            finally:
                _sv.traffic.left()
        finally:
            _ended(_sv, "x", Role.USER, context, call, None, _sv.clock()-t0)
    from hypercube.core.cube import Call as _Call
    from hypercube.gateway.request_id import request_id_of as _rid
    def fin(request):
        b = reader(request)
        if not hasattr(b, "options"): return convert.chart_to_proto(chart_alone(b)).SerializeToString()
        return convert.everyday_to_bytes(everyday_chart(b))
    async def qmeta(request, context):
        context.invocation_metadata()
        return fin(request)
    async def qtime(request, context):
        context.time_remaining()
        return fin(request)
    async def qid(request, context):
        _rid(None)
        return fin(request)
    async def qcall(request, context):
        _Call(request_id="x", deadline=1.0)
        return fin(request)
    async def qlean(request, context):
        return fin(request)
    async def qtell(request, context):
        r = fin(request)
        context.set_trailing_metadata((("x-request-id", f"{random.getrandbits(128):032x}"),("server-timing",f'compute;dur={random.random():.3f}, items;desc="1", total;dur={random.random():.3f}')))
        return r
    async def qtells(request, context):
        r = fin(request)
        context.set_trailing_metadata((("x-request-id", "b"*32),("server-timing",'compute;dur=0.002, items;desc="1", total;dur=0.003')))
        return r
    async def qtell1(request, context):
        r = fin(request)
        context.set_trailing_metadata((("x-request-id", f"{random.getrandbits(128):032x}"),))
        return r
    class Q:
        request_streaming = response_streaming = False
        request_deserializer = response_serializer = None
        def __await__(self): yield
        async def __call__(self, request, context):
            return fin(request)
    if "rtrail" in V: echo = trailr
    if "notell" in V:
        from hypercube.gateway.grpc import rpc as _r
        _r.tell = lambda *a: None
    async def thrice(request, context):
        prev, last[0] = last[0], request
        convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(prev or request)))
        ).SerializeToString()
        convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(prev or request)))
        ).SerializeToString()
        return convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(request)))
        ).SerializeToString()

    if "spin" in V:
        import time

        NSPIN = 1000
        t = time.perf_counter()
        for _ in range(100):
            for i in range(NSPIN):
                pass
        NSPIN = int(NSPIN * 80e-6 / ((time.perf_counter() - t) / 100))
        echo = spin
    options = []
    if "hc" in V:
        from hypercube.cubes.feature.saju.batchers import SajuBatchers
        from hypercube.cubes.feature.saju.cube import SajuCube
        from hypercube.cubes.registry import CubeRegistry
        from hypercube.gateway.grpc import rpc, saju
        from hypercube.gateway.services import GatewayServices

        reg = CubeRegistry()
        cube = SajuCube(SajuBatchers("auto"))
        reg.register(cube)
        await cube.initialize({})
        await cube.start()
        sv = GatewayServices(cubes=reg, readiness=None, metrics_text=lambda: b"")
        hc = rpc.handlers(sv, "hypercube.v1.Saju", saju.METHODS)["Chart"]
        if "freeze" in V:
            import gc

            gc.collect()
            gc.freeze()
        if "th" in V:
            import gc

            gc.set_threshold(50000, 20, 100)
        if "nogc" in V:
            import gc

            gc.disable()
    if "opts" in V:
        options = [
            ("grpc.max_receive_message_length", 100 << 20),
            ("grpc.max_send_message_length", 100 << 20),
            ("grpc.keepalive_time_ms", 10000),
            ("grpc.keepalive_timeout_ms", 5000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 5000),
            ("grpc.so_reuseport", 0),
            ("grpc.max_metadata_size", 16 << 10),
            ("grpc.absolute_max_metadata_size", 16 << 10),
            ("grpc.server_handshake_timeout_ms", 10000),
        ]
    if "bdp" in V: options.append(("grpc.http2.bdp_probe", 0))
    if "chz" in V: options.append(("grpc.enable_channelz", 0))
    if "comp" in V: options += [("grpc.per_message_compression", 0)]
    if "decomp" in V: options += [("grpc.per_message_compression", 0),("grpc.per_message_decompression", 0)]
    if "mini" in V: options += [("grpc.minimal_stack", 1)]
    if "wb" in V: options += [("grpc.http2.write_buffer_size", 1<<20)]
    if "tput" in V: options += [("grpc.optimization_target", "throughput")]
    if "tcpz" in V: options += [("grpc.experimental.tcp_min_read_chunk_size", 8192),("grpc.experimental.tcp_read_chunk_size", 8192)]
    if "batch" in V:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if "idle" in V:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    server = grpc.aio.server(options=options)
    if "raw" in V:
        method = grpc.unary_unary_rpc_method_handler(raw)
    else:
        method = grpc.unary_unary_rpc_method_handler(
            echo,
            request_deserializer=saju_pb2.Birth.FromString,
            response_serializer=saju_pb2.ChartReply.SerializeToString,
        )
    if "hc" in V:
        method = hc
    loop = asyncio.get_running_loop()
    box = [None]
    NT = [0, 0]

    def fire():
        f = box[0]
        box[0] = None
        NT[0] += 1
        f.set_result(None)

    async def tick(request, context):
        f = box[0]
        NT[1] += 1
        if f is None:
            f = box[0] = loop.create_future()
            loop.call_soon(fire)
        await f
        return convert.chart_to_proto(
            chart_alone(convert.birth_from_proto(saju_pb2.Birth.FromString(request)))
        ).SerializeToString()

    if "tick" in V:
        method = grpc.unary_unary_rpc_method_handler(tick)
    for _n, _f in (("qmeta",qmeta),("qtime",qtime),("qid",qid),("qcall",qcall),("qlean",qlean),("qtell",qtell),("qtells",qtells),("qtell1",qtell1),("qawait",Q()),("pv1",pv1),("pv2",pv2),("pv3",pv3),("pv4",pv4)):
        if _n in V: method = grpc.unary_unary_rpc_method_handler(_f)
    if "lean" in V: method = grpc.unary_unary_rpc_method_handler(lean)
    if "twice" in V:
        method = grpc.unary_unary_rpc_method_handler(twice)
    if "thrice" in V:
        method = grpc.unary_unary_rpc_method_handler(thrice)
    if "alone" in V:
        method = grpc.unary_unary_rpc_method_handler(alone)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("hypercube.v1.Saju", {"Chart": method}),)
    )
    if "reg" in V:
        from grpc_health.v1 import health_pb2_grpc
        from grpc_reflection.v1alpha import reflection

        health_pb2_grpc.add_HealthServicer_to_server(health_pb2_grpc.HealthServicer(), server)
        reflection.enable_server_reflection(["hypercube.v1.Saju", reflection.SERVICE_NAME], server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    await asyncio.sleep(0.2)
    me = os.getpid()
    for tid in map(int, os.listdir("/proc/self/task")):
        comm = open(f"/proc/self/task/{tid}/comm").read().strip()
        kind = "M" if tid == me else "P" if comm == "python" else "E"
        for v in V:
            if v.startswith(kind + ":"):
                what = v[2:]
                if what == "b": os.sched_setscheduler(tid, os.SCHED_BATCH, os.sched_param(0))
                if what == "i": os.sched_setscheduler(tid, os.SCHED_IDLE, os.sched_param(0))
                if what.startswith("n"): os.setpriority(os.PRIO_PROCESS, tid, int(what[1:]))
    if "heap" in V:
        global keep
        keep = [{i: [i]} for i in range(1_000_000)]
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as r:
        r.run(serve(int(sys.argv[1]), int(sys.argv[2])))
