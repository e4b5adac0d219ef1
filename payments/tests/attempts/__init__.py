"""Tests of attempts to pay: start, settlement, races, pages."""
