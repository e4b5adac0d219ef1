"""The project: settings, site map, and a small kernel that every app may use."""

from .celery import app as celery_app

__all__ = ["celery_app"]
