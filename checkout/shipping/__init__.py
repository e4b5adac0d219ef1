"""Parcels: their ``rates``, their ``delivery_dates``, and their ``fulfilment``."""
