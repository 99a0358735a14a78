"""Connectors: one folder a protocol, each behind the contract of `twin.connector` and found by its entry point."""
