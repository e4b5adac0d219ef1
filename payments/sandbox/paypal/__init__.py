"""A stand-in for PayPal: Orders v2, Payments v2, webhooks and the buyer's pages, over real HTTP.

It shares no code with the adapter, so that a misunderstanding cannot hide on both sides; PayPal's published
description of its API judges the two of them in the tests.
"""
