"""Generated from proto/inference by `make proto`; do not edit."""
