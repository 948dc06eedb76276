"""One module a resource: which paths, which handler, and what the documentation shows."""
