"""Who may come in, and how much they may ask: keys, tokens of an identity provider, scopes, quotas, the audit.

No transport here: the doors hand in what their callers showed, and get a `Principal` or a typed refusal.
"""
