"""Tests of the PayPal adapter, judged by PayPal's OpenAPI files."""
