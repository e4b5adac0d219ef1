"""Whether all is well: system checks, health pages, audit checks, and log lines without secrets.

Apps describe what they check with ``audit.Check``, ``audit.Finding`` and ``audit.Repair``.
"""
