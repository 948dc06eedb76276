"""Plain types, error kinds and contracts: no I/O, no device, no web framework."""
