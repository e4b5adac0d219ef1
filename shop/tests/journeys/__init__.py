"""Whole walks in a real browser through a running shop, numbered X1 to X30 where the plan numbers them."""
