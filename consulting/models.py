"""What an order key opens: cases and their reports."""


from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models import Order, OrderLine


class OrderKey(models.Model):
    """The key of one order: a keyed hash to find it, a sealed copy to mail it again, the last group in clear."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        SUPERSEDED = "superseded", _("superseded")
        REVOKED = "revoked", _("revoked")

    order = models.ForeignKey(Order, models.PROTECT, related_name="keys", verbose_name=_("order"))
    lookup = models.BinaryField(max_length=32, unique=True, editable=False)
    pepper_id = models.CharField(max_length=16, editable=False)
    sealed = models.BinaryField(editable=False)
    last_group = models.CharField(_("last group"), max_length=4, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE, editable=False)
    issued_at = models.DateTimeField(_("issued at"))

    class Meta:
        verbose_name = _("order key")
        verbose_name_plural = _("order keys")
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(state="active"), name="one_active_key_per_order")
        ]

    def __str__(self) -> str:
        return f"…{self.last_group}"


class Case(models.Model):
    """One subject of one service line: the work a consultant does."""

    class State(models.TextChoices):
        UNASSIGNED = "unassigned", _("To be assigned")
        WRITING = "writing", _("In preparation")
        READY = "ready", _("Ready to open")
        UPDATED = "updated", _("Updated")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="cases", verbose_name=_("service"))
    subject = models.PositiveSmallIntegerField(_("subject"))
    consultant = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="cases", verbose_name=_("consultant")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.UNASSIGNED, editable=False)
    due_on = models.DateField(_("promised for"))
    opened_at = models.DateTimeField(_("opened at"))

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [models.UniqueConstraint(fields=["line", "subject"], name="one_case_per_subject")]

    def __str__(self) -> str:
        return f"{self.line.order.number}/{self.subject}"

    @property
    def order(self) -> Order:
        return self.line.order


class Report(models.Model):
    """One version of a case's report, sealed with its own key, which is wrapped under the order key and under escrow.

    See vault.py for the format of the binary columns.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="reports", verbose_name=_("case"))
    version = models.PositiveSmallIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=200)
    body = models.BinaryField(editable=False)
    salt = models.BinaryField(max_length=16, editable=False)
    client_wrap = models.BinaryField(editable=False, default=bytes)  # empty until published
    escrow_wrap = models.BinaryField(editable=False)
    author = models.CharField(_("author"), max_length=150)
    saved_at = models.DateTimeField(_("saved at"))
    published_at = models.DateTimeField(_("published at"), null=True)

    class Meta:
        ordering = ["case", "-version"]
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="one_report_per_version")]

    def __str__(self) -> str:
        return f"{self.case_id} v{self.version}"


class AccessLog(models.Model):
    """Who opened what, when. Only ever added."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="access_log")
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="access_log")
    what = models.CharField(_("what"), max_length=30)  # unlocked, opened report, opened answers
    who = models.CharField(_("who"), max_length=150)  # "client", or a user name
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-at"]
        verbose_name = _("access")
        verbose_name_plural = _("access log")

    def __str__(self) -> str:
        return f"{self.what} {self.at}"


class Attempt(models.Model):
    """A wrong try to unlock, counted per client network in the database so that every process sees it."""

    network = models.CharField(max_length=50)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["network", "at"], name="attempts_per_network")]

    def __str__(self) -> str:
        return f"{self.network} {self.at}"
