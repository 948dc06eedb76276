"""Benchmarks: run from the tree, one module a subject, rows appended as JSON lines to benchmarks/results."""
