"""What can be bought, and by when: ``models``, ``lead_times``, ``availability``, ``stock_receipts``."""
