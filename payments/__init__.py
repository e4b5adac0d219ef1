"""Attempts to pay bring money in, refunds take it back, webhooks tell us, health looks after all of it."""
