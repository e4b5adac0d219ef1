"""Tests of the protocol's model: every schedule keeps the invariants."""
