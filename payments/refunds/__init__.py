"""Money back. Public: ``plan`` says what a refund would do, ``services`` does it, ``summaries`` shows it,
``reconciliation`` repairs; the rest are pages.
"""
