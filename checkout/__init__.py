"""The order: placing it, its stock, its parcels, its mails. Public face: ``services``, ``models``, ``signals``."""
