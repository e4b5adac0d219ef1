"""Work beside the requests: the outbox, best-effort dispatch of Celery tasks, and the beat that repeats them.

Apps call ``outbox.publish``, ``outbox.subscribe`` and ``dispatch.after_commit``.
"""
