"""Tests of notifications, genuine and forged."""
