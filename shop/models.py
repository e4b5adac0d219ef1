"""The kernel's tables: outbox, leases, limits, sent forms, marks of secrets, second factors, audit trail."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from shop import clock
from shop.crypto import EncryptedJSONField, SealedBytesField

if TYPE_CHECKING:

    class Device(models.Model):  # its own has no types
        user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
        confirmed = models.BooleanField()

        class Meta:
            abstract = True
else:
    from django_otp.models import Device


class OutboxMessage(models.Model):
    """A message recorded in the transaction that made it true, delivered afterwards at least once."""

    key = models.CharField(_("key"), max_length=200, unique=True)
    topic = models.CharField(_("topic"), max_length=60)
    payload = models.JSONField(_("payload"), default=dict)  # ids only, never personal data or keys
    # Whose share delivers it (``shop.background.peers``). Empty: written by code from before the shares.
    peer = models.CharField(max_length=10, blank=True, db_default="", editable=False)
    # Of a mail to several people, each gets a message of their own: a digest of whom this one is for.
    receiver = models.CharField(max_length=16, blank=True, db_default="", editable=False)
    created_at = models.DateTimeField(_("created at"), default=clock.now, editable=False)
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


class Lease(models.Model):
    """Work that one process at a time may do (``shop.background.leases``)."""

    name = models.CharField(max_length=40, unique=True)
    holder = models.CharField(max_length=16, blank=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.until}"


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


class AuthenticatorApp(Device):  # type: ignore[django-manager-missing]
    """The app of a member of staff that makes codes (TOTP, RFC 6238): ``shop.admin.sign_in.second_factor``.

    One that is not confirmed by a code of its own is only being set up.
    """

    key = SealedBytesField()  # 20 bytes
    last_step = models.BigIntegerField(default=-1, db_default=-1)  # of the last code taken: none twice
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


class AuditEntry(models.Model):
    """Who among the staff did or looked at what. Only ever added: triggers refuse the rest (``shop.audit``).

    Holds names of staff, ids, and order numbers; never what a client typed.
    """

    class Deed(models.TextChoices):
        LOOK = "look", _("looked at a page")
        LIST = "list", _("looked at a list")
        SEARCH = "search", _("searched a list")
        SENT = "sent", _("sent a form")
        DENIED = "denied", _("was refused")
        SIGN_IN = "sign_in", _("signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("sign-in failed")
        SIGN_OUT = "sign_out", _("signed out")
        ACCOUNT = "account", _("account changed")
        PERMISSIONS = "permissions", _("groups or permissions changed")
        REFUND = "refund", _("asked for a refund")
        KEY = "key", _("order key sent, replaced or revoked")
        MAILBOX = "mailbox", _("order given to another mailbox")
        RETRY = "retry", _("message sent to be delivered again")
        GATEWAY = "gateway", _("gateway asked")
        EXPORT = "export", _("data taken out")
        REQUESTED = "requested", _("asked a colleague to approve")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")

    at = models.DateTimeField(_("at"))
    actor = models.CharField(_("who"), max_length=150, blank=True)  # user name; empty: nobody we know
    session = models.CharField(_("session"), max_length=16, blank=True)  # digest
    network = models.CharField(_("network address"), max_length=45, blank=True)
    request_id = models.CharField(_("request"), max_length=12, blank=True)
    deed = models.CharField(_("deed"), max_length=20, choices=Deed)
    page = models.CharField(_("page"), max_length=100, blank=True)  # name of the view
    subject = models.CharField(_("kind of object"), max_length=60, blank=True)  # label of the model
    subject_id = models.CharField(_("object"), max_length=40, blank=True)
    order_number = models.CharField(_("order"), max_length=20, blank=True)
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)  # of HTTP
    detail = models.CharField(_("details"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["actor", "at"], name="audit_by_person"),
            models.Index(fields=["order_number", "at"], name="audit_by_order"),
            models.Index(fields=["deed", "at"], name="audit_by_deed"),
        ]

    def __str__(self) -> str:
        return f"{date_format(localtime(self.at), 'SHORT_DATETIME_FORMAT')} {self.get_deed_display()}"


class AuditLink(models.Model):
    """One link of the chain over the audit trail: its digest holds the entry's and the link's before it."""

    number = models.BigIntegerField(primary_key=True)  # without gaps
    entry_id = models.BigIntegerField(unique=True)  # no foreign key: the entry may have been forgotten
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.number}"


class AuditCutoff(models.Model):
    """Stands only within the transaction that forgets: what happened before it may be deleted."""

    before = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.before}"


class ApprovalRequest(models.Model):
    """Something that one member of staff asks for and another has to agree to (``shop.audit.approvals``)."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")
        TAKEN_BACK = "taken_back", _("taken back")
        VOID = "void", _("not possible any more")
        EXPIRED = "expired", _("expired")

    key = models.CharField(max_length=80, unique=True)  # the same wish asked twice is one
    kind = models.CharField(_("what"), max_length=20)
    order_number = models.CharField(_("order"), max_length=20)
    payload = EncryptedJSONField(default=dict)  # what will be done; empty once it is decided
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    asked_by = models.CharField(_("asked by"), max_length=150)
    asked_at = models.DateTimeField(_("asked at"))
    expires_at = models.DateTimeField(_("until"))
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    note = models.CharField(_("reason"), max_length=200, blank=True)  # for the one who asked

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ["-asked_at"]
        indexes = [
            models.Index(
                fields=["expires_at"], name="approvals_that_wait", condition=models.Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_number}"
