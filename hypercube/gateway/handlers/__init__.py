"""One module a task, free of any transport: core types in, core types or `HyperCubeError` out."""
