"""Housekeeping of the checkout."""

import datetime as dt

from celery import shared_task

from shop import clock

from .models import Draft

KEPT = dt.timedelta(days=30)  # as long as the session that can come back to it


@shared_task(ignore_result=True)
def forget_drafts() -> None:
    """What was typed at checkout and left is deleted; the orders made of it stay."""
    Draft.objects.filter(updated_at__lt=clock.now() - KEPT).delete()
