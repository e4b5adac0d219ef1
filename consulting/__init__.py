"""Cases, their reports, and the order keys that open them.

Public face: ``keys.services`` and ``reports.services``.
"""
