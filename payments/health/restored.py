"""What a restored copy would do once it may speak, and what the world knows that it does not."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet

from checkout.models import Order
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from payments.gateways.paypal.announcements import Announcement
from payments.gateways.paypal.gateway import PayPal
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from payments.models.payment import GIVE_UP_AFTER
from shop import clock
from shop.background import outbound
from shop.models import OutboxMessage
from shop.privacy import retention

MARGIN = dt.timedelta(hours=1)  # a quiet hour before the backup leaves no trace
TAKEN = "PAYMENT.CAPTURE.COMPLETED"
GIVEN_BACK = ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED")
WHY_HELD = "restored from a backup: compare with the carriers' lists whether it has left"
GRANTS_APART = 1000  # more often than an order's grants are ended between a backup and its restoring
BEIJING = dt.timezone(dt.timedelta(hours=8))


def last_known() -> dt.datetime | None:
    """The youngest trace of business in this database: about when its backup was made."""
    traces = [
        OutboxMessage.objects.aggregate(at=Max("created_at"))["at"],
        Payment.objects.aggregate(at=Max("started_at"))["at"],
        GatewayEvent.objects.aggregate(at=Max("received_at"))["at"],
    ]
    return max((at for at in traces if at), default=None)


def would_leave() -> Iterator[str]:
    """Line by line what happens when SHOP_OUTBOUND is taken away."""
    waiting = OutboxMessage.objects.filter(delivered_at=None, given_up_at=None)
    for row in waiting.values("topic").annotate(n=Count("pk"), oldest=Min("created_at")).order_by("topic"):
        yield f"{row['topic']}: {row['n']} would be delivered; the oldest is of {_at(row['oldest'])}"
    refunds = Refund.objects.filter(status=Refund.Status.CREATED).select_related("payment__order")
    for refund in refunds.order_by("started_at"):
        payment = refund.payment
        yield (
            f"refund of {payment.currency} {refund.amount} of order {payment.order.number} would be asked of "
            f"{payment.gateway}: look there whether it was done already"
        )
    asked = Payment.objects.exclude(next_check_at=None).exclude(status=Payment.Status.CAPTURED)
    for each in asked.values("method").annotate(n=Count("pk")).order_by("method"):
        yield f"{each['n']} attempts to pay by {each['method']} would be asked about, and settled"
    if expiring := Order.objects.past_hold().count():
        yield f"{expiring} unpaid orders are past their hold and would expire, after their gateway was asked"
    if erasing := len(erasure.confirmed_requests()):
        yield f"{erasing} erasures that clients have confirmed would be carried out"
    for kind, count in retention.overdue():
        if count is None:
            yield f"how many of {kind.name} are past their time could not be counted: the log says why"
        elif count:
            yield f"{count} of {kind.name} are past their time and would be deleted"


def _unsent(since: dt.datetime) -> QuerySet[Order]:
    """Paid by then and not sent, as far as this database knows: a parcel of after its backup it does not."""
    return fulfilment.to_ship(Order.objects.filter(paid_at__lte=since + MARGIN)).order_by("paid_at")


def _unpaid(since: dt.datetime) -> QuerySet[Order]:
    """With goods, and a payment underway then: once the gateway is asked they are found paid by themselves.

    Also those whose attempt nobody asks about any more, as long as their gateway may keep it.
    """
    underway = Q(status__in=Payment.LIVE) | Q(next_check_at__isnull=False)
    underway |= Q(started_at__gte=since - GIVE_UP_AFTER)
    payments = Payment.objects.filter(underway, order=OuterRef("pk")).exclude(status=Payment.Status.CAPTURED)
    orders = Order.objects.exclude(status=Order.Status.PAID).filter(needs_shipping=True, erased_at=None)
    return orders.filter(Exists(payments)).order_by("placed_at")


def may_have_left(since: dt.datetime) -> Iterator[str]:
    for order in [*_unsent(since), *_unpaid(since)]:
        pieces = sum(fulfilment.left_to_ship(order).values())
        held = ", on hold" if order.on_hold else ""
        paid = f"paid {_at(order.paid_at)}" if order.paid_at else "not paid, with a payment underway"
        yield f"order {order.number}, {paid}: {pieces} pieces to send{held}"


def hold(since: dt.datetime) -> int:
    """Put them on hold, each with the reason in its history. Returns how many. May be repeated."""
    found = [*_unsent(since), *_unpaid(since)]
    free = [order.pk for order in found if not order.on_hold]
    for pk in free:
        fulfilment.set_hold(pk, on_hold=True, actor="", note=WHY_HELD)
    return len(free)


def end_sessions() -> int:
    """Sign everybody out, staff and visitors, and have every browser forget the orders it may see.

    Some of it was ended after the backup, for a reason that this database lost. Returns how many sessions.
    """
    Order.objects.update(grants_ended=F("grants_ended") + GRANTS_APART)
    count, _by_model = Session.objects.all().delete()
    return count


def accounts() -> Iterator[str]:
    """Whom of the staff this database lets in, and as what."""
    active = User.objects.filter(is_active=True).prefetch_related("groups", "user_permissions")
    for user in active.order_by("username"):
        rights = ["superuser"] if user.is_superuser else []
        rights += sorted(group.name for group in user.groups.all())
        if own := len(user.user_permissions.all()):
            rights.append(f"{own} permissions of its own")
        yield f"{user.get_username()}: {', '.join(rights) or 'no group'}"


def unknown_at_paypal(since: dt.datetime) -> Iterator[str]:
    """Money, taken or given back, that PayPal told our webhooks of since then and this database lacks."""
    with outbound.questions_are_allowed():
        announced = PayPal().announced(since - MARGIN, clock.now())
    for each in announced:
        if each.kind == TAKEN and (problem := _problem(each)):
            yield f"{each.at} {each.amount}, capture {each.gateway_id}, reference {each.reference}: {problem}"
        if each.kind in GIVEN_BACK and (problem := _problem_of_refund(each)):
            yield f"{each.at} {each.amount} given back, refund {each.gateway_id}: {problem}"


def _payment_of(capture_id: str, reference: str) -> Payment | None:
    captured = Payment.objects.filter(capture_reference=capture_id).exclude(capture_reference="")
    return captured.first() or Payment.objects.filter(reference=reference).first()


def _problem_of_refund(money: Announcement) -> str:
    """Empty where it is booked."""
    if LedgerEntry.objects.filter(gateway="paypal", reference__in=money.own_ids).exists():
        return ""
    payment = _payment_of(money.parent_id, money.reference)
    if payment is None:
        return "nothing here knows its payment"
    return f"order {payment.order.number} lacks it: `money_health --ask --days N` books it"


def _problem(money: Announcement) -> str:
    """Empty where the payment is booked."""
    payment = _payment_of(money.gateway_id, money.reference)
    if payment is None:
        return (
            "nothing here knows it. Its order is lost: write to the payer (PayPal shows who), or give it back"
        )
    if payment.status != Payment.Status.CAPTURED:
        return f"order {payment.order.number} will be found paid by itself"
    return ""


def files_to_compare(since: dt.datetime) -> Iterator[str]:
    """UnionPay answers about attempts that we can name. The rest stands in files of its merchants' portal.

    It lists no refunds to us at all: one that was made after the backup stands only there.
    By the days of settlement, which end at ``UNIONPAY_DAY_ENDS`` on a clock in Beijing.
    """
    hour, minute = map(int, settings.UNIONPAY_DAY_ENDS.split(":"))
    day = _settlement_day((since - MARGIN).astimezone(BEIJING), dt.time(hour, minute))
    last = _settlement_day(clock.now().astimezone(BEIJING), dt.time(hour, minute))
    while day <= last:
        file = f"the transaction file (ZM) of {day:%Y-%m-%d}"
        yield f"{file}: each orderId must be a reference under Payments, each refund a done one under Refunds"
        day += dt.timedelta(days=1)


def _settlement_day(moment: dt.datetime, ends: dt.time) -> dt.date:
    return moment.date() + dt.timedelta(days=moment.time() >= ends)


def _at(moment: dt.datetime) -> str:
    return f"{moment.astimezone(clock.now().tzinfo):%Y-%m-%d %H:%M %Z}"
