"""Tests of order keys."""
