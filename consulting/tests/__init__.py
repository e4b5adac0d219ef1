"""Tests of consulting; ``scenes`` makes orders, ``documents`` files."""
