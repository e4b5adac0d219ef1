"""Formats of Traditional Chinese."""
