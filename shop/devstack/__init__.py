"""The whole shop on one machine for demo and tests: its processes, a broker of files, failpoints.

Product code calls ``failpoints.failpoint`` and nothing else of it.
"""
