"""How two people are spoken of: tables of sentences, by language."""
