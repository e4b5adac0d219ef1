"""The kernel's tables: outbox, hits of rate limits, sent forms, fingerprints of secrets, second factors."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.crypto import SealedBytesField

if TYPE_CHECKING:
    Device = models.Model  # has no types
else:
    from django_otp.models import Device


class OutboxMessage(models.Model):
    """A message recorded in the transaction that made it true, delivered afterwards at least once."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    topic = models.CharField(_("topic"), max_length=60)
    payload = models.JSONField(_("payload"), default=dict)  # ids only, never personal data or keys
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    due_at = models.DateTimeField(_("due at"))
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up at"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    concerns = models.CharField(_("order"), max_length=20, blank=True, db_index=True)  # once it is given up

    class Meta:
        verbose_name = _("outbox message")
        verbose_name_plural = _("outbox messages")
        indexes = [
            models.Index(
                fields=["due_at"], name="outbox_undelivered", condition=models.Q(delivered_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return self.key


class Try(models.Model):
    """One hit of a rate limit (``shop.web.rate_limit``), named as its table is."""

    purpose = models.CharField(max_length=30)
    network = models.CharField(max_length=50)  # or a digest of the subject
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["purpose", "network", "at"], name="tries_per_network"),
            models.Index(fields=["purpose", "at"], name="tries_by_all"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.at}"


class SentForm(models.Model):
    """A form of the staff's pages that was sent and has done its work (``shop.web.once``)."""

    MAX_RESULT = 500

    key = models.CharField(max_length=64, unique=True)
    result = models.CharField(max_length=MAX_RESULT, blank=True)  # where its answer led
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at}"


class Canary(models.Model):
    """The fingerprint of a secret under which something may be sealed: see ``shop.keyring.fingerprints``."""

    family = models.CharField(max_length=30)  # the setting
    digest = models.BinaryField(max_length=32)
    since = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "digest"], name="one_canary_per_secret")]

    def __str__(self) -> str:
        return f"{self.family} {self.since}"


class AuthenticatorApp(Device):
    """The app of a member of staff that makes codes (TOTP, RFC 6238): ``shop.admin.sign_in.second_factor``.

    One that is not confirmed by a code of its own is only being set up.
    """

    key = SealedBytesField()  # 20 bytes
    last_step = models.BigIntegerField(
        default=-1, db_default=-1
    )  # of the last code taken; none is taken twice
    added_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "confirmed"], name="one_app_per_person")]


class RecoveryCode(models.Model):
    """A digest of a code that stands in once for the app."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="one_digest_per_code")]

    def __str__(self) -> str:
        return f"{self.user} {self.used_at or ''}".strip()
