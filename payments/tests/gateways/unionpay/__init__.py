"""Tests of the UnionPay adapter and its card scripts."""
