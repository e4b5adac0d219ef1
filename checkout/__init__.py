"""The order: placing it, its stock, parcels and mails. Public face: ``services``, ``models``, ``signals``."""
