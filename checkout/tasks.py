"""Background work of the checkout."""

from celery import shared_task

from .privacy import erasure


@shared_task(ignore_result=True)
def erase_confirmed() -> None:
    """What a client has asked to erase, once nothing is in the way any more."""
    for request in erasure.confirmed_requests():
        erasure.carry_out(request.pk)
