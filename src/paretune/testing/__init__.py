"""Conformance suites: what every runtime, source and engine must pass."""
