"""One attempt to pay. Public: ``services`` starts it, ``settlement`` asks for its outcome, ``closing``
gives it up, ``decisions`` are those of staff, ``reconciliation`` repairs; the rest are pages.
"""
