"""Money health: the checks of all money, their repairs, page and alerts. Public: ``report``, ``alerts``.

The highest room: it may know all others, and writes no money rows itself.
"""
