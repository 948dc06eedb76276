"""Generated from proto/hypercube/v1 by `make proto`; do not edit."""
