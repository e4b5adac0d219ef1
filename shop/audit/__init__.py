"""Who among the staff did what, on what, from where, and who looked at whose data: one append-only table.

Public: ``trail.record`` writes an entry, ``subjects.declare`` says how to find the order of an object,
``chain`` links, verifies and forgets. ``middleware`` writes one entry for each request of the staff.
"""
