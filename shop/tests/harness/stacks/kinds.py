"""Kinds of shops that tests run on. A test of one has the kind's name among its parameters."""

KINDS = ("embedded", "services", "supervised", "fragile")
SINGLE = ("embedded", "fragile")  # one shop for all tests of the kind, so these run on the same worker
