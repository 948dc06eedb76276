"""One module a section or two: what is said, in which order, and which facts it cites."""
