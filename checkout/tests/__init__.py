"""Tests of the order, in the rooms of what they test; ``scenes`` make reachable states."""
