"""Addresses: ``formats`` of every country, ``areas`` below a country, ``forms`` of the delivery part."""
