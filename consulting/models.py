"""What an order key opens: cases and their reports."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from checkout.models import Order, OrderLine
from shop import clock


class OrderKey(models.Model):
    """An order's key: a keyed hash to find it, a sealed copy to mail it again, the last group in clear."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        SUPERSEDED = "superseded", _("superseded")
        REVOKED = "revoked", _("revoked")

    order = models.ForeignKey(Order, models.PROTECT, related_name="keys", verbose_name=_("order"))
    lookup = models.BinaryField(max_length=32, unique=True, editable=False)
    pepper_id = models.CharField(max_length=16, editable=False)  # which pepper made the look-up
    sealed = models.BinaryField(editable=False)
    last_group = models.CharField(_("last group"), max_length=4, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE, editable=False)
    issued_at = models.DateTimeField(_("issued at"))

    class Meta:
        ordering = ["-issued_at"]
        verbose_name = _("order key")
        verbose_name_plural = _("order keys")
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state="active"), name="one_active_key_per_order"
            )
        ]

    def __str__(self) -> str:
        return f"…{self.last_group}"


class CaseQuerySet(models.QuerySet["Case"]):
    def with_order(self) -> Self:
        return self.select_related("line__order", "consultant")

    def open(self) -> Self:
        """Cases somebody still has to write."""
        return self.filter(state__in=Case.OPEN)

    def of(self, order: Order) -> Self:
        return self.with_order().filter(line__order=order).order_by("line__position", "subject")


class Case(models.Model):
    """One subject of one service line: the work a consultant does."""

    class State(models.TextChoices):
        UNASSIGNED = "unassigned", _("To be assigned")
        WRITING = "writing", _("In preparation")
        READY = "ready", _("Ready to open")
        UPDATED = "updated", _("Updated")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    OPEN = [State.UNASSIGNED, State.WRITING]
    PUBLISHED = [State.READY, State.UPDATED]

    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="cases", verbose_name=_("service"))
    subject = models.PositiveSmallIntegerField(_("subject"))
    consultant = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="cases",
        verbose_name=_("consultant"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State, default=State.UNASSIGNED, editable=False
    )
    due_on = models.DateField(_("promised for"))
    opened_at = models.DateTimeField(_("opened at"), editable=False)

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [models.UniqueConstraint(fields=["line", "subject"], name="one_case_per_subject")]

    def __str__(self) -> str:
        return f"{self.line.order.number}/{self.line.position}.{self.subject}"

    @property
    def order(self) -> Order:
        return self.line.order

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_published(self) -> bool:
        return self.state in self.PUBLISHED

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_on < clock.today()


class Report(models.Model):
    """One version of a case's report, sealed with a key of its own.

    That key is wrapped twice: under escrow and, once published, under the order key. Case and version are
    bound into the seal, so a moved or renumbered row does not open. vault.py tells what is in the binary
    columns, manuscript.py what they hold: not even the title stands here in clear.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="reports", verbose_name=_("case"))
    version = models.PositiveSmallIntegerField(_("version"))
    body = models.BinaryField(editable=False)
    salt = models.BinaryField(max_length=16, editable=False)
    escrow_wrap = models.BinaryField(editable=False)
    client_wrap = models.BinaryField(editable=False, default=bytes)  # empty until published
    author = models.CharField(_("author"), max_length=150)
    edit = models.PositiveIntegerField(default=0, editable=False)  # counts saves: two tabs notice each other
    saved_at = models.DateTimeField(_("saved at"))
    published_at = models.DateTimeField(_("published at"), null=True)

    class Meta:
        ordering = ["case", "-version"]
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        constraints = [models.UniqueConstraint(fields=["case", "version"], name="one_report_per_version")]

    def __str__(self) -> str:
        return f"{self.case_id} v{self.version}"

    @property
    def is_published(self) -> bool:
        return self.published_at is not None

    @property
    def stamp(self) -> str:
        """What a form carries to prove which text its user has seen."""
        return f"{self.version}.{self.edit}"


class AccessLog(models.Model):
    """Who opened what, when. Only ever added; the client can read it."""

    class What(models.TextChoices):
        UNLOCKED = "unlocked", _("Unlocked with the order key")
        REPORT = "report", _("Report opened")
        UNLOCKED_BY_STAFF = "unlocked_staff", _("Case opened by a consultant with the order key")
        ANSWERS = "answers", _("Consultation details opened by a consultant")
        ASSIGNED = "assigned", _("Case given to a consultant")

    order = models.ForeignKey(Order, models.PROTECT, related_name="access_log", verbose_name=_("order"))
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, related_name="access_log", verbose_name=_("case")
    )
    what = models.CharField(_("what"), max_length=30, choices=What)
    who = models.CharField(_("who"), max_length=150, blank=True)  # a user name; empty: the client
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("access")
        verbose_name_plural = _("access log")

    def __str__(self) -> str:
        return f"{self.what} {self.at}"
