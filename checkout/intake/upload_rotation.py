"""Files of answers under the newest of ``SEAL_KEYS``: see ``shop.keyring.rotation``."""

from cryptography.fernet import InvalidToken
from django.db import transaction

from checkout.models import Upload
from shop import crypto
from shop.keyring import rotation

from . import uploads

FAMILY = "SEAL_KEYS"


@rotation.job(FAMILY, "files of answers")
def renew_files(tally: rotation.Tally, dry_run: bool) -> None:
    for pk, name in rotation.batches(Upload.objects.all(), "stored_as"):
        tally.seen += 1
        try:
            if not _is_older(name):
                continue
        except (InvalidToken, OSError):
            tally.unreadable.append(pk)
        else:
            tally.older += dry_run
            tally.renewed += not dry_run and _renew(pk)


def _is_older(name: str) -> bool:
    return crypto.reencrypted(uploads.read_sealed(name), FAMILY) is not None


@transaction.atomic
def _renew(pk: int) -> bool:
    """Under the row's lock: a file that is deleted meanwhile does not come back."""
    upload = Upload.objects.select_for_update().filter(pk=pk).first()
    if upload is None:
        return False
    fresh = crypto.reencrypted(uploads.read_sealed(upload.stored_as), FAMILY)
    if fresh is None:
        return False
    uploads.storage().replace(upload.stored_as, fresh)
    return True
