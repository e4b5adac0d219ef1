"""Notifications of gateways. Public: ``inbox`` stores and processes them; ``views`` is their address."""
