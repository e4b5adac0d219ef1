"""Mails of an order that could not be delivered: shown to whoever can put the address right."""

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from checkout.models import EmailCorrection, Order
from shop.models import OutboxMessage

# Topic -> what staff call the mail: its subject, without the number of the order.
_SUBJECTS = {
    "mail.address_corrected": gettext_noop("Delivery details corrected %(number)s"),
    "mail.cancellation_answered": gettext_noop("Your request to cancel %(number)s"),
    "mail.cancellation_asked": gettext_noop("Cancellation requested %(number)s"),
    "mail.order_opened": gettext_noop("Your order was opened in another browser %(number)s"),
    "mail.details_missing": gettext_noop("Please add your details %(number)s"),
    "mail.details_reminder": gettext_noop("Please add your details %(number)s"),
    "mail.email_corrected": gettext_noop("E-mail address changed %(number)s"),
    "mail.key_alarm": gettext_noop("Many wrong order keys"),
    "mail.key_first_used": gettext_noop("Your reports were opened %(number)s"),
    "mail.key_replaced": gettext_noop("Order key replaced %(number)s"),
    "mail.lost_key": gettext_noop("Your order key again %(number)s"),
    "mail.new_order": gettext_noop("New order %(number)s"),
    "mail.new_report_date": gettext_noop("New delivery date %(number)s"),
    "mail.order_cancelled": gettext_noop("Order cancelled %(number)s"),
    "mail.order_confirmation": gettext_noop("Order confirmation %(number)s"),
    "mail.order_erased": gettext_noop("What was personal is erased"),
    "mail.order_key": gettext_noop("Your order key again %(number)s"),
    "mail.order_links": gettext_noop("The link to your orders"),
    "mail.order_shipped": gettext_noop("Order shipped %(number)s"),
    "mail.order_under_review": gettext_noop("Payment under review %(number)s"),
    "mail.parcel_corrected": gettext_noop("Correction about your parcel %(number)s"),
    "mail.parcel_date_moved": gettext_noop("New date for your parcel %(number)s"),
    "mail.payment_alarm": gettext_noop("A payment needs a person"),
    "mail.payment_denied": gettext_noop("Payment not accepted %(number)s"),
    "mail.payment_dispute": gettext_noop("Dispute about order %(number)s"),
    "mail.payment_refunded": gettext_noop("Refund %(number)s"),
    "mail.privacy_link": gettext_noop("The link for your copy"),
    "mail.second_factor_changed": gettext_noop("Your second factor was changed"),
    "mail.sign_in_alarm": gettext_noop("Somebody tries to sign in"),
    "mail.sign_in_link": gettext_noop("A link to sign in"),
    "message.written": gettext_noop("A message from your consultant"),
    "report.moved": gettext_noop("New date for your report %(number)s"),
    "report.published": gettext_noop("Consultation report ready"),
    "report.withdrawn": gettext_noop("Report withdrawn"),
}


def name_of(topic: str) -> str:
    """What staff call a mail of this topic."""
    subject = _SUBJECTS.get(topic)
    return (_(subject) % {"number": ""}).strip() if subject else topic


def failed_mails(order: Order | None = None) -> QuerySet[OutboxMessage]:
    """Mails that were given up, of one order or of all, unless the address was corrected since."""
    corrected = EmailCorrection.objects.filter(
        order__number=OuterRef("concerns"), at__gt=OuterRef("given_up_at")
    )
    failed = OutboxMessage.objects.filter(~Exists(corrected), given_up_at__isnull=False, delivered_at=None)
    return failed.filter(concerns=order.number) if order else failed
