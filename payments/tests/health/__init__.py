"""Tests of money health: its checks, repairs, pages and alerts."""
