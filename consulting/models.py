"""What an order key opens: cases and their reports."""

import datetime as dt
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Absence
from checkout.models import Order, OrderLine
from shop import clock, crypto
from shop.crypto import EncryptedJSONField, SealedBytesField


class OrderKeyQuerySet(models.QuerySet["OrderKey"]):
    def opening(self) -> Self:
        """Keys that open their order now: what ``access.is_open`` says, in the database's words."""
        return self.filter(
            state=OrderKey.State.ACTIVE,
            order__status=Order.Status.PAID,
            order__is_disputed=False,
            order__erased_at=None,
            order__refunded_total__lt=F("order__total"),
        )


class OrderKey(models.Model):
    """An order's key: a keyed hash to find it, a sealed copy to mail it again, the last group in clear.

    Of a key whose time is over only the last group and its dates are kept; hash and copy are overwritten, so
    it is as unknown as one that never was.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        SUPERSEDED = "superseded", _("superseded")
        REVOKED = "revoked", _("revoked")

    order = models.ForeignKey(Order, models.PROTECT, related_name="keys", verbose_name=_("order"))
    lookup = models.BinaryField(max_length=32, unique=True, editable=False)
    pepper_id = models.CharField(max_length=16, editable=False)  # which pepper made the look-up
    sealed = SealedBytesField(editable=False)  # empty once the key's time is over
    last_group = models.CharField(_("last group"), max_length=4, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE, editable=False)
    issued_at = models.DateTimeField(_("issued at"))
    first_used_at = models.DateTimeField(_("first used at"), null=True, editable=False)
    use_count = models.PositiveIntegerField(_("times used"), default=0, editable=False)  # by clients

    objects = OrderKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at", "-id"]
        verbose_name = _("order key")
        verbose_name_plural = _("order keys")
        permissions = [
            ("resend_orderkey", "Can send order keys to their customers again"),
            ("replace_orderkey", "Can replace, revoke and issue order keys anew"),
            ("readdress_orderkey", "Can give an order with an order key another e-mail address"),
        ]
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
        """Cases somebody still has to write: not those whose price went back."""
        paid = F("line__unit_price") * F("line__quantity") - F("line__discount_total")
        return self.filter(
            Q(line__refunded_total__lt=paid) | Q(line__refunded_total=0),
            state__in=Case.OPEN,
            line__order__refunded_total__lt=F("line__order__total"),
        )

    def free(self) -> Self:
        """Those of them that consultants may take: nobody has them, not even somebody who left."""
        return self.open().filter(consultant=None)

    def with_risk(self) -> Self:
        """Marks the cases whose promised day falls into an absence, which was entered after the promise."""
        of_service = Q(service=None) | Q(service=OuterRef("line__variant__product"))
        due = Q(starts_on__lte=OuterRef("due_on"), ends_on__gte=OuterRef("due_on"))
        return self.annotate(in_absence=Exists(Absence.objects.filter(of_service, due)))

    def at_risk(self) -> Self:
        """Open cases that somebody has to look at before their day comes."""
        due = self.open().filter(line__waits_for_details=False, waiting_since=None)
        return due.with_risk().filter(in_absence=True)

    def with_news(self) -> Self:
        """Marks the cases with a message that its reader, the client or the consultant, has not seen yet."""
        unread = Message.objects.filter(case=OuterRef("pk"), seen_at=None)
        return self.annotate(
            news_for_client=Exists(unread.exclude(author="")), news_for_staff=Exists(unread.filter(author=""))
        )

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
    # Since when the consultant needs an answer of the client: meanwhile the working days stand still.
    waiting_since = models.DateTimeField(_("waits for an answer since"), null=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, editable=False)
    withdrawn_because = EncryptedJSONField(null=True, editable=False)  # as the client reads it

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "id"]
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions = [("assign_case", "Can give a case to a consultant")]
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
    def waits_for_details(self) -> bool:
        """Nothing is promised for a day yet: the client still owes an answer."""
        return self.is_open and self.line.waits_for_details

    @property
    def waits_for_answer(self) -> bool:
        """The consultant has asked something without which the work cannot go on."""
        return self.is_open and self.waiting_since is not None

    @property
    def is_waiting(self) -> bool:
        return self.waits_for_details or self.waits_for_answer

    @property
    def is_overdue(self) -> bool:
        return self.is_open and not self.is_waiting and self.due_on < clock.today()

    @property
    def is_at_risk(self) -> bool:
        """Somebody is absent on the promised day. Only after ``with_risk``."""
        return self.is_open and not self.is_waiting and bool(getattr(self, "in_absence", False))


class ReportQuerySet(models.QuerySet["Report"]):
    def readable(self) -> Self:
        """What the client of a case may read."""
        return self.select_related("case__line__order").filter(
            published_at__isnull=False, withdrawn_at__isnull=True
        )


class Report(models.Model):
    """One version of a case's report, sealed with a key of its own.

    That key is wrapped twice: under escrow and, once published, under the order key. Case and version are
    bound into the seal, so a moved or renumbered row does not open. report_encryption.py tells what is in
    the binary columns, report_document.py what they hold: not even the title stands here in clear.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="reports", verbose_name=_("case"))
    version = models.PositiveSmallIntegerField(_("version"))
    body = models.BinaryField(editable=False)
    salt = models.BinaryField(max_length=16, editable=False)
    escrow_wrap = SealedBytesField(family="ESCROW_KEYS", editable=False)
    client_wrap = models.BinaryField(editable=False, default=bytes)  # empty until published
    author = models.CharField(_("author"), max_length=150)
    edit = models.PositiveIntegerField(default=0, editable=False)  # counts saves: two tabs notice each other
    saved_at = models.DateTimeField(_("saved at"))
    published_at = models.DateTimeField(_("published at"), null=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, editable=False)

    objects = ReportQuerySet.as_manager()

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


class ReportFile(models.Model):
    """A file on disk and the version it belongs to. What it is and is called, the sealed report tells."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="files")
    stored_as = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"file {self.pk}"


class Message(models.Model):
    """One message of the client or of the consultant about a case. Its text is sealed, bound to the case."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="messages", verbose_name=_("case"))
    author = models.CharField(max_length=150, blank=True)  # a user name; empty: the client
    sealed = SealedBytesField(editable=False)
    at = models.DateTimeField(_("at"))
    needs_answer = models.BooleanField(default=False)  # the work waits for it
    seen_at = models.DateTimeField(null=True)  # by whom it is for
    moved_to = models.DateField(null=True)  # of an answer the work waited for: the new promised day

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")

    def __str__(self) -> str:
        return f"{self.case_id} {self.at}"

    @property
    def is_from_client(self) -> bool:
        return not self.author

    @property
    def text(self) -> str:
        """Raises cryptography.fernet.InvalidToken, and ValueError for the text of another case."""
        case_id, _bar, text = crypto.open_sealed(bytes(self.sealed)).partition("|")
        if case_id != str(self.case_id):
            raise ValueError(str(self))
        return text

    @text.setter
    def text(self, text: str) -> None:
        self.sealed = crypto.seal(f"{self.case_id}|{text}")


class AccessLogManager(models.Manager["AccessLog"]):
    def note_look(
        self,
        order: Order,
        what: str,
        *,
        case: Case | None = None,
        who: str = "",
        once_in: dt.timedelta = dt.timedelta(minutes=10),
    ) -> None:
        """Tell of a look, and of the same again only after a while.

        Or whoever has the key could fill the list, until what others opened is found no more.
        """
        lately = self.filter(order=order, what=what, who=who, at__gte=clock.now() - once_in)
        if case:
            lately = lately.filter(case=case)
        if not lately.exists():
            self.create(order=order, case=case, what=what, who=who, at=clock.now())


class AccessLog(models.Model):
    """Who opened what, when. Only ever added; the client can read it."""

    class What(models.TextChoices):
        UNLOCKED = "unlocked", _("Unlocked with the order key")
        REPORT = "report", _("Report opened")
        FILE = "file", _("File of a report downloaded")
        DOWNLOAD = "download", _("All reports downloaded")
        UNLOCKED_BY_STAFF = "unlocked_staff", _("Case opened by a consultant with the order key")
        ANSWERS = "answers", _("Consultation details opened by a consultant")
        ASSIGNED = "assigned", _("Case given to a consultant")
        COPY = "copy", _("Copy of everything downloaded")
        KEY_SENT = "key_sent", _("Order key sent again")
        KEY_REPLACED = "key_replaced", _("Order key replaced by a new one")
        KEY_REVOKED = "key_revoked", _("Order key revoked")
        READDRESSED = "readdressed", _("E-mail address of the order changed by customer service")

    order = models.ForeignKey(Order, models.PROTECT, related_name="access_log", verbose_name=_("order"))
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, related_name="access_log", verbose_name=_("case")
    )
    what = models.CharField(_("what"), max_length=30, choices=What)
    who = models.CharField(_("who"), max_length=150, blank=True)  # a user name; empty: the client
    at = models.DateTimeField(_("at"))

    objects = AccessLogManager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("access")
        verbose_name_plural = _("access log")

    def __str__(self) -> str:
        return f"{self.what} {self.at}"
