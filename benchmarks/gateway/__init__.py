"""What the doors cost: one chart a request beside bare echoes, bulk, and chat through the platform beside LiteLLM."""
