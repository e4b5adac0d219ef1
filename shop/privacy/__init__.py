"""How long personal data is kept.

Apps declare their classes with ``retention.declare``; a task deletes what is past its time.
"""
