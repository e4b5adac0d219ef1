"""PayPal as the shop sees it: Orders v2, captured at once after the buyer's approval."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from payments.gateways.base import (
    Captured,
    CodeSent,
    Declined,
    DisputeFact,
    EncryptedCard,
    GatewayError,
    Misconfigured,
    Movement,
    Notification,
    Outcome,
    Parcel,
    ParcelRefused,
    Pending,
    Purchase,
    RefundOutcome,
    RefundRefused,
    Started,
    Unfinished,
)
from shop import clock

from . import notifications
from .announcements import MOST_PAGES, Announcement, next_query, read_announcements, utc
from .answers import ID, TRACKER, read_order, read_refund, read_started, read_trackers, refund_with_key
from .client import Patience, SafeApi, default_api
from .codes import Meaning, concern_of, meaning, outcome_of
from .exchange import Refused, ask, ask_with_retries
from .messages import create_body, refund_body, track_body
from .movements import DISPUTE_ID, read_dispute, read_movements

# How long PayPal remembers a request id. Later, the same request would be done a second time.
ORDER_KEY_LIFE = dt.timedelta(hours=6)
REFUND_KEY_LIFE = dt.timedelta(days=45)
_MARGIN = dt.timedelta(minutes=10)

# A buyer waits for both. What a capture has done after this, the sweep finds out.
START_PATIENCE = Patience(connect=2, read=6, total=8)
CAPTURE_PATIENCE = Patience(read=15, total=20)


class PayPal:
    code = "paypal"
    captures = True

    def __init__(self, api: SafeApi | None = None) -> None:
        self._given_api = api

    @property
    def _api(self) -> SafeApi:
        return self._given_api or default_api()

    def send_code(self, purchase: Purchase, card: EncryptedCard) -> CodeSent | Declined:
        """PayPal takes no cards from us, so there is no code."""
        raise Misconfigured("NO_CODES")

    def start(self, purchase: Purchase, card: EncryptedCard | None = None) -> Started | Declined:
        """Create the order; the buyer goes to the handoff's address."""
        if clock.now() > purchase.started_at + ORDER_KEY_LIFE - _MARGIN:
            return Declined("START_TOO_OLD")
        try:
            answer = ask_with_retries(
                self._api,
                "POST",
                "/v2/checkout/orders",
                create_body(purchase),
                request_id=purchase.create_key,
                prefer="minimal",
                patience=START_PATIENCE,
            )
        except Refused as refusal:
            outcome = outcome_of(refusal.issue, refusal.debug_id)
            if isinstance(outcome, Declined):
                return outcome
            raise GatewayError(refusal.issue, debug_id=refusal.debug_id, about_one=True) from None
        return read_started(answer.body)

    def fetch(self, purchase: Purchase) -> Outcome:
        """A purchase without ``gateway_id`` is unfinished: its buyer was never sent to PayPal."""
        if not purchase.gateway_id:
            return Unfinished("NOT_STARTED")
        try:
            return read_order(purchase, self._order(purchase))
        except Refused as refusal:
            return outcome_of(refusal.issue, refusal.debug_id)

    def announced(self, since: dt.datetime, until: dt.datetime) -> list[Announcement]:
        """What PayPal told this shop's webhooks in that time, as PayPal lists it. Raises GatewayError."""
        query = urlencode({"page_size": 100, "start_time": utc(since), "end_time": utc(until)})
        found: list[Announcement] = []
        for _page in range(MOST_PAGES):
            try:
                answer = ask(self._api, "GET", f"/v1/notifications/webhooks-events?{query}")
            except Refused as refusal:
                raise GatewayError(refusal.issue, debug_id=refusal.debug_id) from None
            found += read_announcements(answer.body)
            query = next_query(answer.body)
            if not query:
                return found
        raise GatewayError("TOO_MANY_EVENTS")

    def capture(self, purchase: Purchase) -> Outcome:
        """Take the money.

        After Declined(retry="same-gateway-page") the buyer may approve again; that capture needs a new
        ``capture_key``, because PayPal repeats its answer to the old one.
        """
        if not purchase.gateway_id:
            return Unfinished("NOT_STARTED")
        try:
            answer = ask(
                self._api,
                "POST",
                f"{_order_path(purchase)}/capture",
                {},
                request_id=purchase.capture_key,
                prefer="representation",
                patience=CAPTURE_PATIENCE,
            )
        except Refused as refusal:
            return self._after_refused_capture(purchase, refusal)
        outcome = read_order(purchase, answer.body) if answer.body.get("purchase_units") else None
        # An answer without a capture in it says nothing; only the order itself can.
        return outcome if isinstance(outcome, Captured | Pending | Declined) else self.fetch(purchase)

    def _after_refused_capture(self, purchase: Purchase, refusal: Refused) -> Outcome:
        """Our money may be there already, taken by another request of ours: then the order tells.

        PayPal has done nothing for a request that it refuses. So an order without a capture is a decline,
        whatever the code says: the buyer must not wait for what staff have to mend or to look up.
        """
        means, debug_id = meaning(refusal.issue), refusal.debug_id
        if means in {Meaning.WAITING, Meaning.OTHER_FUNDING, Meaning.AT_WORK}:
            return outcome_of(refusal.issue, debug_id)
        if means is Meaning.DECLINED and refusal.issue != "ORDER_COMPLETED_OR_VOIDED":
            return Declined(refusal.issue)
        outcome = self.fetch(purchase)
        if isinstance(outcome, Captured | Pending | Declined):
            return outcome
        if means is Meaning.MAYBE_PAID:
            # An invoice number that is taken: another order of ours was paid under this reference.
            is_taken = refusal.issue == "DUPLICATE_INVOICE_ID"
            kind = Misconfigured if is_taken else GatewayError
            raise kind(refusal.issue, debug_id=debug_id, about_one=True)
        return Declined(refusal.issue, concern=concern_of(refusal.issue))

    def refund(
        self,
        purchase: Purchase,
        capture_reference: str,
        amount: Decimal,
        *,
        key: str,
        started_at: dt.datetime,
        captured_at: dt.datetime | None = None,
    ) -> RefundOutcome:
        """Give back exactly ``amount``. When PayPal has forgotten ``key``, the refund is looked for first.

        PayPal knows no voiding of captured money, so ``captured_at`` says nothing here.
        """
        if not ID.fullmatch(capture_reference):
            raise GatewayError("INVALID_RESOURCE_ID", about_one=True)
        if clock.now() > started_at + REFUND_KEY_LIFE - _MARGIN:
            earlier = self._known_refund(purchase, key)
            if earlier:
                return read_refund(earlier)
        try:
            answer = ask(
                self._api,
                "POST",
                f"/v2/payments/captures/{capture_reference}/refund",
                refund_body(amount, purchase.currency, key),
                request_id=key,
                prefer="representation",
            )
        except Refused as refusal:
            if refusal.issue == "PENDING_CAPTURE":
                return Unfinished(refusal.issue)
            earlier = self._known_refund(purchase, key)
            return read_refund(earlier) if earlier else RefundRefused(refusal.issue)
        return read_refund(answer.body)

    def _known_refund(self, purchase: Purchase, key: str) -> dict[str, Any] | None:
        try:
            return refund_with_key(self._order(purchase), key)
        except Refused:
            return None

    def refund_voids(self, captured_at: dt.datetime, at: dt.datetime) -> bool:
        """PayPal voids authorizations only, never a capture."""
        return False

    def movements(self, purchase: Purchase, capture_reference: str) -> tuple[Movement, ...]:
        """Refunds, ours and the dashboard's, and reversals."""
        try:
            return read_movements(self._order(purchase), capture_reference)
        except Refused as refusal:
            raise GatewayError(refusal.issue, debug_id=refusal.debug_id, about_one=True) from None

    def dispute(self, reference: str) -> DisputeFact:
        """How the buyer's complaint stands."""
        if not DISPUTE_ID.fullmatch(reference):
            raise GatewayError("INVALID_RESOURCE_ID", about_one=True)
        try:
            return read_dispute(ask(self._api, "GET", f"/v1/customer/disputes/{reference}").body)
        except Refused as refusal:
            raise GatewayError(refusal.issue, debug_id=refusal.debug_id, about_one=True) from None

    def track(self, purchase: Purchase, capture_reference: str, parcel: Parcel) -> list[str]:
        """Show the buyer the parcel at PayPal too. What was brought by hand has nothing to follow."""
        body = track_body(purchase, capture_reference, parcel)
        if body is None:
            return []
        try:
            return read_trackers(ask(self._api, "POST", f"{_order_path(purchase)}/track", body).body)
        except Refused as refusal:
            raise ParcelRefused(refusal.issue) from None

    def untrack(self, purchase: Purchase, tracker: str) -> None:
        """PayPal has no way to change a number: the old one is cancelled, the new one told beside it."""
        if not TRACKER.fullmatch(tracker):
            raise ParcelRefused("INVALID_TRACKER_ID")
        change = [{"op": "replace", "path": "/status", "value": "CANCELLED"}]
        try:
            ask(self._api, "PATCH", f"{_order_path(purchase)}/trackers/{tracker}", change)
        except Refused as refusal:
            raise ParcelRefused(refusal.issue) from None

    def read_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        return notifications.read(headers, body)

    def judge_notification(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """By its five headers; whether PayPal has sent it, only PayPal can say."""
        return notifications.plausible_headers(headers)

    def verify_notification(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Ask PayPal. The certificate address in the headers is passed on and never fetched by us."""
        raw = notifications.verification_body(headers, body, settings.PAYPAL_WEBHOOK_ID)
        try:
            answer = ask(self._api, "POST", "/v1/notifications/verify-webhook-signature", raw=raw)
        except Refused:
            return False
        return answer.body.get("verification_status") == "SUCCESS"

    def _order(self, purchase: Purchase) -> dict[str, Any]:
        return ask(self._api, "GET", _order_path(purchase)).body


def _order_path(purchase: Purchase) -> str:
    if not ID.fullmatch(purchase.gateway_id):
        raise GatewayError("INVALID_RESOURCE_ID", about_one=True)
    return f"/v2/checkout/orders/{purchase.gateway_id}"
