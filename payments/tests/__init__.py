"""Tests of the money, in the rooms of what they test."""
