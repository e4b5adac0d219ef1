"""Tests of the one-page checkout up to the placed order."""
