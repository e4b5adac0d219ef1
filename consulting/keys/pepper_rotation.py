"""Order keys and the clients' wraps under the newest of ``ORDER_KEY_PEPPERS``: see ``shop.keyring.rotation``.

A pepper goes into a hash and into the key of a wrap, so a new one needs the order key itself. It comes from
its sealed copy, for the moment.
"""

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from consulting import key_format, report_encryption
from consulting.models import OrderKey, Report
from shop.devstack.failpoints import failpoint
from shop.keyring import rotation

from . import services as keys

FAMILY = "ORDER_KEY_PEPPERS"
LOST = (InvalidToken, keys.SealedKeyDamaged, report_encryption.Unreadable)


@rotation.job(FAMILY, "look-ups of order keys")
def renew_lookups(tally: rotation.Tally, dry_run: bool) -> None:
    newest = key_format.pepper_id(key_format.newest_pepper())
    openable = OrderKey.objects.exclude(sealed=b"")  # of the others the look-up means nothing any more
    tally.seen = openable.count()
    for (pk,) in rotation.batches(openable.exclude(pepper_id=newest)):
        if dry_run:
            tally.older += 1
            continue
        try:
            tally.renewed += _renew_lookup(pk)
        except LOST:
            tally.unreadable.append(pk)


@transaction.atomic
@sensitive_variables()
def _renew_lookup(pk: int) -> bool:
    """Both look-ups are tried while both peppers are there, so the key opens at every moment."""
    order_key = OrderKey.objects.select_for_update().filter(pk=pk).first()
    pepper = key_format.newest_pepper()
    if order_key is None or order_key.pepper_id == key_format.pepper_id(pepper):
        return False
    order_key.lookup = key_format.lookup(keys.read_key(order_key), pepper)
    order_key.pepper_id = key_format.pepper_id(pepper)
    order_key.save(update_fields=["lookup", "pepper_id"])
    failpoint("before_pepper_committed")
    return True


@rotation.job(FAMILY, "reports' wraps for their clients")
def renew_wraps(tally: rotation.Tally, dry_run: bool) -> None:
    published = Report.objects.exclude(client_wrap=b"")
    for pk, wrap in rotation.batches(published, "client_wrap"):
        tally.seen += 1
        if report_encryption.is_under_newest_pepper(Report(client_wrap=wrap)):
            continue
        if dry_run:
            tally.older += 1
            continue
        try:
            tally.renewed += _renew_wrap(pk)
        except LOST:
            tally.unreadable.append(pk)


@transaction.atomic
@sensitive_variables()
def _renew_wrap(pk: int) -> bool:
    """Under the report's lock: whoever gives the order another key meanwhile has the last word.

    The wrap is opened by the order key that it was made for, not made anew from escrow: a report opens for
    exactly the keys that opened it before.
    """
    rows = Report.objects.select_for_update(of=("self",)).select_related("case__line")
    report = rows.filter(pk=pk).first()
    if report is None or report_encryption.is_under_newest_pepper(report):
        return False
    report_encryption.renew_client_wrap(report, _keys_of(report))
    report.save(update_fields=["client_wrap"])
    failpoint("before_pepper_committed")
    return True


@sensitive_variables()
def _keys_of(report: Report) -> list[str]:
    """All that the order ever had; one that is damaged opens nothing."""
    canonical_keys = []
    for order_key in OrderKey.objects.filter(order=report.case.line.order_id):
        try:
            canonical_keys.append(keys.read_key(order_key))
        except LOST:
            continue
    return canonical_keys
