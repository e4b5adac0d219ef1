"""Kinds of shops that tests run on. A test of one has the kind's name first among its parameters."""

KINDS = ("embedded", "services", "supervised")  # the first two open in stack.py, the last in crash_stack.py
