"""Tests of UnionPay's stand-in."""
