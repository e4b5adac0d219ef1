"""What a refund was for that was made at the gateway: staff say it, and can take it back. No money moves."""

from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import Coalesce

from checkout.shipping import fulfilment
from payments.models import Refund, RefundLine
from shop.database import retry_transaction

from .plan import PlanChanged, RefundRequest, explanation_digest, is_explained, plan_explanation
from .services import store_lines, withdraw


@retry_transaction
def explain_refund(refund: Refund, request: RefundRequest, *, actor: str, seen: str | None = None) -> None:
    """Record what a refund was for that was made at the gateway. Moves no money; may close reports.

    Raises NothingToRefund (also when it has been said already), NothingChosen, TooMuch, PlanChanged.
    """
    payment = refund.payment.lock()
    locked = payment.refunds.get(pk=refund.pk)
    plan = plan_explanation(locked, request)
    if seen is not None and plan.digest != seen:
        raise PlanChanged(payment.order.number)
    locked.shipping = plan.shipping
    locked.save(update_fields=["shipping"])
    store_lines(locked, plan)
    fulfilment.note_refund(payment.order, Decimal(0), {each.line.pk: each.amount for each in plan.lines})
    payment.order.log(f"{payment.reference}: refund {locked.reference} explained", actor=actor)
    withdraw(payment.order, locked, plan, actor)


@retry_transaction
def take_back_explanation(refund: Refund, *, actor: str, seen: str) -> None:
    """Forget what staff said this refund was for, so that it can be said anew. Moves no money.

    Reports that it closed open again, and goods that were not to be delivered are to be; what went back into
    stock with it is taken out. ``seen`` is the digest of the explanation that its reader saw. Raises
    PlanChanged, and OutOfStock where the goods were sold to somebody else meanwhile.
    """
    payment = refund.payment.lock()
    locked = payment.refunds.get(pk=refund.pk)
    if not is_explained(locked) or explanation_digest(locked) != seen:
        raise PlanChanged(payment.order.number)
    rows = list(locked.lines.all())
    locked.lines.all().delete()
    locked.shipping = Decimal(0)
    locked.save(update_fields=["shipping"])
    fulfilment.note_refund(payment.order, Decimal(0), {row.line_id: -row.amount for row in rows})
    withdrawn = Coalesce("withdrawn", "quantity")
    left = RefundLine.objects.filter(line__in=[row.line_id for row in rows]).values("line_id")
    kept = {row["line_id"]: row["pieces"] for row in left.annotate(pieces=Sum(withdrawn))}
    fulfilment.deliver_again(
        payment.order, {row.line_id: kept.get(row.line_id, 0) for row in rows}, fact=locked.pk, actor=actor
    )
    payment.order.log(
        f"{payment.reference}: explanation of refund {locked.reference} taken back", actor=actor
    )
