"""What is done once a second person has approved a refund."""

from checkout.models import Order
from payments.models import Payment, Refund
from shop.audit import approvals
from shop.models import ApprovalRequest

from . import four_eyes, services
from .plan import DisputeOpen, NothingChosen, NothingToRefund, PlanChanged, TooMuch

REFUSALS = (
    NothingToRefund, NothingChosen, TooMuch, DisputeOpen, PlanChanged, services.NotRefused,
    four_eyes.Overtaken,
)  # fmt: skip


def perform(wish: ApprovalRequest) -> Refund:
    """The refund as it was asked for. Raises NotPossible where it would be another one now."""
    how = wish.payload
    agreed = {"actor": wish.asked_by, "seen": how.get("seen"), "is_approved": True}
    common = {"key": how["key"], "reason": how["reason"], **agreed}
    try:
        if how["way"] == "order":
            order = Order.objects.get(number=wish.order_number)
            request = four_eyes.read(how["chosen"])
            return services.request_refund(order.pk, request, **common)
        if how["way"] == "payment":
            return services.return_unused(Payment.objects.get(pk=how["payment"]), **common)
        refused = Refund.objects.get(pk=how["refund"])
        return services.retry_refund(refused, **agreed)
    except REFUSALS as error:
        raise approvals.NotPossible(str(error)) from error


approvals.register(
    approvals.Kind(
        four_eyes.KIND, four_eyes.LABEL, four_eyes.PERMISSION, facts=four_eyes.facts, perform=perform
    )
)
