"""Which models there are, where their bytes come from, and the store that keeps them verified on disk."""
