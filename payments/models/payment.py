"""One attempt to pay: its states, who may talk to the gateway about it, and when it is asked for again."""

import datetime as dt
import hashlib
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from checkout.models import Order
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction

logger = logging.getLogger(__name__)

# How long one process may talk to the gateway alone: longer than conversations usually take, and short enough
# for a question that a dying process left open. A lease that lapses too early costs a second question, never
# second money: every call carries its key, and a card is only sent from a state that ends with it.
LEASE = dt.timedelta(seconds=45)
# A gateway that could not be reached is asked again this soon: money may be waiting. The sweep sees to it
# that a dead gateway is not asked once per attempt.
UNREACHABLE_WAIT = dt.timedelta(seconds=20)
SLOWER = 4  # times as long are the waits for attempts that were given up: few of them have money
GIVEN_UP_SHARE = 3  # of these, what one order may take of a round
# Then a person looks. Longer than PayPal and UnionPay keep an unpaid attempt.
GIVE_UP_AFTER = dt.timedelta(days=4)
MAX_REVIEW = dt.timedelta(days=30)  # a bank transfer behind PayPal takes days

UNREACHABLE = "gateway not reached"
REFUSES_US = "gateway refuses the shop"  # credentials, permissions, certificates: staff have been told
UNANSWERED = {UNREACHABLE, REFUSES_US}
UNCLEAR = "answer without an outcome"  # of this attempt only: the others are asked about as before
NOTHING_LEARNT = UNANSWERED | {UNCLEAR}
WRONG_CODE = "71"  # UnionPay: the code of the text message is wrong; it may be entered again


class InvalidTransition(Exception):
    """The attempt cannot move from its state to the wanted one."""


def new_key() -> str:
    return uuid.uuid4().hex


class PaymentQuerySet(models.QuerySet["Payment"]):
    def live(self) -> Self:
        return self.filter(status__in=Payment.LIVE)

    def due(self) -> Self:
        """Attempts whose outcome is unknown and whose time to ask again has come.

        Also those whose time is further ahead than their next wait can be: the clock was put back.
        """
        now = clock.now()
        is_due = Q(next_check_at__lte=now)
        for method, intervals in Payment.POLL_INTERVALS.items():
            for checks, seconds in enumerate([0, *intervals]):
                wait = max(dt.timedelta(seconds=seconds), dt.timedelta(seconds=intervals[0]), LEASE)
                is_same = Q(checks__gte=checks) if checks == len(intervals) else Q(checks=checks)
                for is_live, longest in ((Q(status__in=Payment.LIVE), wait), (Q(), SLOWER * wait)):
                    too_far = now + longest + clock.SKEW
                    is_due |= is_live & is_same & Q(method=method, next_check_at__gt=too_far)
        return self.filter(is_due).exclude(status=Payment.Status.CAPTURED)

    def given_up(self) -> Self:
        """Attempts that nobody waits for any more, a few of each order, whose time has come longest ago.

        Somebody can leave dozens behind: they take no more of a round than another's.
        """
        place = Window(RowNumber(), partition_by=F("order_id"), order_by="next_check_at")
        rows = self.exclude(status__in=Payment.LIVE).annotate(place=place)
        return rows.filter(place__lte=GIVEN_UP_SHARE).order_by("next_check_at")

    def at(self, gateway: str) -> Self:
        """Attempts at this gateway."""
        is_paypal = Q(method=Payment.Method.PAYPAL)
        return self.filter(is_paypal if gateway == "paypal" else ~is_paypal)

    def wake(self, gateway: str) -> int:
        """Make those due that could not be asked about; return how many. The gateway answers again."""
        rows = self.at(gateway).filter(problem=UNREACHABLE, next_check_at__gt=clock.now())
        return rows.exclude(status=Payment.Status.CAPTURED).update(next_check_at=clock.now())


class Payment(models.Model):
    """One attempt to pay an order. Stored, with its idempotency keys, before the first byte goes out."""

    class Status(models.TextChoices):
        CREATED = "created", _("created")
        AWAITING = "awaiting", _("awaiting the buyer or the bank")
        CAPTURING = "capturing", _("taking the money")
        CAPTURED = "captured", _("captured")
        DECLINED = "declined", _("declined")
        SUPERSEDED = "superseded", _("superseded")
        EXPIRED = "expired", _("expired")

    LIVE = [Status.CREATED, Status.AWAITING, Status.CAPTURING]
    TRANSITIONS: dict[Status, set[Status]] = {
        Status.CREATED: {
            Status.AWAITING,
            Status.CAPTURING,
            Status.CAPTURED,
            Status.DECLINED,
            Status.SUPERSEDED,
            Status.EXPIRED,
        },
        Status.AWAITING: {
            Status.CAPTURING,
            Status.CAPTURED,
            Status.DECLINED,
            Status.SUPERSEDED,
            Status.EXPIRED,
        },
        # Superseded only once the gateway has said that nothing was taken.
        Status.CAPTURING: {Status.AWAITING, Status.CAPTURED, Status.DECLINED, Status.SUPERSEDED},
        Status.CAPTURED: set(),
        Status.DECLINED: {Status.CAPTURED},  # the gateway has the last word
        Status.SUPERSEDED: {Status.CAPTURED},
        Status.EXPIRED: {Status.CAPTURED},
    }

    class Method(models.TextChoices):
        PAYPAL = "paypal", "PayPal"
        UNIONPAY_CARD = "unionpay-card", _("UnionPay credit card")
        UNIONPAY_PAGE = "unionpay-page", _("UnionPay credit card (UnionPay's page)")

    # Seconds after which an attempt without a result is asked for again; the last one repeats.
    POLL_INTERVALS = {
        Method.PAYPAL: [60, 60, 120, 300, 600, 1800, 3600],
        Method.UNIONPAY_CARD: [2, 2, 4, 8, 16, 32, 60, 120, 300, 600, 1800, 3600],
        Method.UNIONPAY_PAGE: [60, 60, 120, 300, 600, 1800, 3600],
    }

    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("order"))
    method = models.CharField(_("method"), max_length=20, choices=Method)
    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.CREATED, editable=False
    )
    amount = models.DecimalField(_("amount"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3)

    # Our reference at the gateway (PayPal custom_id and invoice_id, UnionPay orderId): 8-32 characters.
    reference = models.CharField(_("our reference"), max_length=32, unique=True)
    create_key = models.CharField(
        max_length=36, default=new_key, editable=False
    )  # PayPal-Request-Id of create
    capture_key = models.CharField(
        max_length=36, default=new_key, editable=False
    )  # PayPal-Request-Id of capture
    started_at = models.DateTimeField(_("started at"))  # UnionPay txnTime is this moment in Beijing time
    gateway_id = models.CharField(_("reference at the gateway"), max_length=64, blank=True, db_index=True)
    approve_url = models.CharField(max_length=500, blank=True, editable=False)
    capture_reference = models.CharField(_("capture"), max_length=64, blank=True)
    last4 = models.CharField(_("card ends in"), max_length=4, blank=True)
    problem = models.CharField(
        _("problem"), max_length=60, blank=True
    )  # the gateway's issue or response code
    needs_attention = models.BooleanField(_("needs a person"), default=False)  # money that does not match
    next_check_at = models.DateTimeField(_("ask again at"), null=True, blank=True, db_index=True)
    checks = models.PositiveSmallIntegerField(_("times asked"), default=0)
    claimed_until = models.DateTimeField(null=True, editable=False)  # someone is talking to the gateway
    captured_at = models.DateTimeField(_("captured at"), null=True, editable=False)
    on_phone = models.BooleanField(_("begun on a telephone"), default=False, editable=False)
    # PayPal declined what its buyer had approved, and has not told since that it waits for a newer approval.
    approval_declined_at = models.DateTimeField(_("approval declined at"), null=True, editable=False)
    pays_order = models.BooleanField(
        _("pays the order"), default=False, editable=False
    )  # its money made it paid

    objects = PaymentQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(status__in=["created", "awaiting", "capturing"]),
                name="one_live_payment_per_order",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(pays_order=True), name="one_payment_pays_an_order"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_is_positive"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def gateway(self) -> str:
        return "paypal" if self.method == self.Method.PAYPAL else "unionpay"

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    # --- one process at a time ---

    def lock(self) -> "Payment":
        """Lock the order, then this payment, until the end of the transaction; return the fresh row.

        The same sequence everywhere, so nothing deadlocks. Needs a transaction.
        """
        order = Order.objects.lock(self.order_id)
        locked = Payment.objects.select_for_update().get(pk=self.pk)
        locked.order = order
        return locked

    @contextmanager
    def claim(self) -> Iterator[bool]:
        """Lease the right to talk to the gateway about this attempt, for ``LEASE``.

        Yields whether this process holds the lease; gives it back on exit. Needs no transaction open.
        """
        now = clock.now()
        until = now + LEASE
        is_free = (
            Q(claimed_until__isnull=True) | Q(claimed_until__lt=now) | Q(claimed_until__gt=until + clock.SKEW)
        )
        is_ours = self._set_claim(is_free, until)
        try:
            yield is_ours
        finally:
            if is_ours:  # and still is: after the lease it may be another's
                self._set_claim(Q(claimed_until=until), None)

    @retry_transaction
    def _set_claim(self, condition: Q, until: dt.datetime | None) -> bool:
        return bool(Payment.objects.filter(condition, pk=self.pk).update(claimed_until=until))

    @property
    def is_claimed(self) -> bool:
        """Whether some process holds the lease."""
        now = clock.now()
        return self.claimed_until is not None and now <= self.claimed_until <= now + LEASE + clock.SKEW

    # --- its state, and when the gateway is asked again ---

    def move_to(self, status: Status) -> None:
        """Change the status, the only way to do so. Raises InvalidTransition. Needs the order's lock."""
        if status not in self.TRANSITIONS[self.Status(self.status)]:
            raise InvalidTransition(f"{self.reference}: {self.status} -> {status}")
        self.status = status
        self.save(update_fields=["status"])

    def schedule(self) -> None:
        """Set the next check by the method's ``POLL_INTERVALS``; stop, and alert staff, once it is too old.

        An attempt that was given up is asked about ``SLOWER`` times more seldom.

        Needs the order's lock.
        """
        if self.status == self.Status.CAPTURED:
            return
        if clock.now() - self.started_at > self._max_pending_age:
            self.next_check_at = None
            self.save(update_fields=["next_check_at"])
            if self.status == self.Status.CAPTURING and not self.needs_attention:
                self.raise_alarm(f"no answer for {self._max_pending_age.days} days")
            return
        intervals = self.POLL_INTERVALS[self.Method(self.method)]
        wait = intervals[min(self.checks, len(intervals) - 1)] * (1 if self.is_live else SLOWER)
        self.next_check_at = clock.now() + dt.timedelta(seconds=wait)
        self.checks += 1
        self.save(update_fields=["next_check_at", "checks"])

    def reset_polling(self, wait: dt.timedelta) -> None:
        """Restart the intervals: the next check is after ``wait``. Needs the order's lock."""
        self.next_check_at, self.checks = clock.now() + wait, 0
        self.save(update_fields=["next_check_at", "checks"])

    @retry_transaction
    def postpone(self, problem: str) -> None:
        """Note why nothing was learnt, and ask again later. Takes the order's lock itself."""
        locked = self.lock()
        if locked.status == self.Status.CAPTURED:  # by another process, while this one waited
            return
        locked.problem = problem
        locked.save(update_fields=["problem"])
        if problem in UNANSWERED and clock.now() - locked.started_at <= locked._max_pending_age:
            locked.next_check_at = clock.now() + UNREACHABLE_WAIT
            locked.save(update_fields=["next_check_at"])
        else:
            locked.schedule()

    @property
    def _max_pending_age(self) -> dt.timedelta:
        # Before it is captured, only what is under review at the gateway has the name of its capture.
        return MAX_REVIEW if self.capture_reference else GIVE_UP_AFTER

    @property
    def pay_until(self) -> dt.datetime:
        """When the gateway stops taking this payment."""
        minutes: int = settings.PAYMENT_HOLD_MINUTES[self.gateway]
        return self.started_at + dt.timedelta(minutes=minutes)

    # --- its money ---

    @property
    def captured_currency(self) -> str:
        """The currency in which money came in; where nothing is booked, the one that was asked for."""
        first = self.ledger.captures().first()
        return first.currency if first else self.currency

    @property
    def captured_amount(self) -> Decimal:
        """The booked money that came in, in ``captured_currency``; 0 where nothing is booked."""
        rows = self.ledger.captures().filter(currency=self.captured_currency)
        return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)

    @property
    def ledger_balance(self) -> Decimal:
        """What the bookings leave of the money, in ``captured_currency``, whatever is still on its way."""
        rows = self.ledger.filter(currency=self.captured_currency)
        return rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)

    @property
    def refundable_amount(self) -> Decimal:
        """What of the captured money has neither gone back nor is about to."""
        rows = self.refunds.exclude(status="failed")
        return self.captured_amount - (rows.aggregate(sum=Sum("amount"))["sum"] or Decimal(0))

    @property
    def money_stamp(self) -> str:
        """Another one once more of its money has gone back, is about to, or was refused: proves to be seen.

        A refund that gets done is none of these: it counted from when it was asked for.
        """
        refunds = [(refund.pk, refund.status == "failed") for refund in self.refunds.order_by("pk")]
        plain = (self.pk, str(self.refundable_amount), refunds)
        return hashlib.sha256(repr(plain).encode()).hexdigest()

    @property
    def is_unused(self) -> bool:
        """Whether booked money of this payment pays no order and has not gone back."""
        is_captured = self.status == self.Status.CAPTURED
        return is_captured and not self.pays_order and self.refundable_amount > 0

    # --- people ---

    @property
    def has_unsettled_sibling(self) -> bool:
        """Whether another attempt keeps the order under review: its capture or its money waits."""
        others = self.order.payments.exclude(pk=self.pk).prefetch_related("ledger")
        return any(
            other.needs_attention
            or (other.is_live and other.capture_reference)
            or (not other.pays_order and sum(entry.amount for entry in other.ledger.all()) > 0)
            for other in others
        )

    def raise_alarm(self, note: str) -> None:
        """Leave this money to a person: stop polling, log ``note`` on the order, alert staff.

        ``note`` names references, never personal data. Needs the order's lock.
        """
        logger.error("Payment %s: %s", self.reference, note)
        self.needs_attention = True
        self.next_check_at = None
        self.problem = note[:60]
        self.save(update_fields=["needs_attention", "next_check_at", "problem"])
        self.order.log(f"{self.reference}: {note}"[:300])
        alert_staff(f"{self.reference}: {note}", key=f"{self.reference}:{note}")

    def close_alarm(self) -> None:
        """Record that a person has decided. Needs the order's lock."""
        self.needs_attention, self.problem = False, ""
        self.save(update_fields=["needs_attention", "problem"])


def alert_staff(note: str, *, key: str) -> None:
    """Mail those who mind the money, once per ``key``. ``note`` names references, never personal data.

    Needs a transaction.
    """
    outbox.publish("mail.payment_alarm", key=key[:150], note=note[:300])
