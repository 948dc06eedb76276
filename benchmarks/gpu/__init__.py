"""The GPU benchmark suite: kernels beside a device copy, transfers, launches, an encoder and a causal LM.

    python -m benchmarks.gpu                                                # print
    python -m benchmarks.gpu --output benchmarks/results/gpu.jsonl
    python -m benchmarks.gpu --device cpu --size tiny --quick               # does the suite itself run?

Runs from the tree on numpy, torch and what of triton, cupy, transformers and pynvml is there. Exit status 3, and one
line, without a device. Every figure comes after the parity of what it measures; a difference ends the run.

    machine.py      the device: name, versions, peaks, timing by CUDA events (by the wall in a dry run)
    nvml.py         memory, utilisation, clock, power and temperature while a section runs
    operations.py   the registry: what each operation takes, writes and moves, and its parity
    resident.py     arrays on the device, beside a copy of as many bytes in the same rounds
    small.py        launch cost, small batches, CUDA-graph replays
    transfers.py    host-device rates, and operations from host memory to host memory
    encoder.py      dynamic-batched encoder inference through `hypercube.batching`
    decode.py       prefill and decode of a causal LM with a KV cache
    profile.py      the kernels that take the time, by torch.profiler
"""
