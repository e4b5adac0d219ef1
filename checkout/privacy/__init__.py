"""A copy of what the shop holds about an order, its erasure, and how long everything is kept."""
