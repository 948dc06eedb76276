"""The hand-written corpus, by language."""
