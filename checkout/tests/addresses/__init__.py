"""Tests of address formats, areas and the delivery form."""
