"""Whole shops as real processes: as `manage.py runstack` opens them, and under a supervisor."""
