"""Background work of the checkout."""

from celery import shared_task

from .privacy import erasure


@shared_task(ignore_result=True)
def erase_confirmed() -> None:
    """Carry out the confirmed erasures that nothing is in the way of any more (hourly job)."""
    for request in erasure.confirmed_requests():
        erasure.carry_out(request.pk)
