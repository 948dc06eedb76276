"""Service modules, one folder each, grouped by colour; `registry` finds, checks, starts and calls them."""
