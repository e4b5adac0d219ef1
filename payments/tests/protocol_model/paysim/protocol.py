"""Our protocol. Names and order of the steps are those of the code; comments name the crash points."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

from .gateway import CARD, PAGE, PAY_WITHIN, PAYPAL, Lost
from .records import LEASE, STOCK_HOLD, Records
from .rows import (
    AWAITING,
    CAPTURED,
    CAPTURING,
    CREATED,
    GIVEN_UP,
    SUPERSEDED,
    Attempt,
    Event,
    Message,
)
from .world import CANCELLED, EXPIRED, PAID, PENDING, REVIEW, Order, Page, Process, World


@dataclass(slots=True)
class Shop(Records):
    # --- the buyer ------------------------------------------------------------------------------------------

    def buy(self, cart: str, method: str, *, changed: bool = False) -> Process:
        """Continue to payment, then Pay."""
        yield
        order = self._place(cart, changed)
        if order is None:
            return
        yield
        attempt = self._attempt(order, method)
        if attempt is None:
            return
        if method == CARD and self.world.rng.random() < 0.5:
            yield from self._request_code(attempt)
        yield  # after_attempt_stored
        claim = self._take_claim(attempt)
        if claim:
            if attempt.status == CREATED or (attempt.status == AWAITING and method == CARD):
                yield from self._start(attempt)
            self._release_claim(attempt, claim)
        yield
        if order.status == PENDING and attempt.status == AWAITING and method != CARD:
            self.world.pages.append(Page(cart, attempt.reference, attempt.purchase_id, attempt.pay_until))

    def _place(self, cart: str, changed: bool) -> Order | None:
        """The order that this cart becomes; None: sold out, or already paid."""
        orders = [order for order in self.world.orders if order.cart == cart]
        if not self.has("one order per cart"):
            orders = []
        if any(order.status in {PAID, REVIEW} for order in orders):
            return None
        pending = next((order for order in orders if order.status == PENDING), None)
        if pending and (not changed or not pending.payment_started):
            return pending
        if pending and any(each.order is pending and each.status == CAPTURING for each in self.attempts):
            return None
        if pending:  # superseded; its attempts are still swept
            self._release(pending)
            pending.status, pending.superseded = CANCELLED, True
        return self.world.add_order(cart, STOCK_HOLD) if self.world.stock else None

    def _attempt(self, order: Order, method: str) -> Attempt | None:
        """The order's one live attempt: the one under way, or a new one. None: not now."""
        live = next((attempt for attempt in self._of(order) if attempt.is_live), None)
        is_same = live is not None and live.method == method
        if live and is_same and live.status == CAPTURING:
            return live
        if order.status != PENDING:
            return None
        if live and is_same and not self._is_over(live):
            return live
        if live and self.has("one live attempt per order"):
            if self.has("no second attempt while money may be on its way") and (
                live.status == CAPTURING or (live.method == CARD and self._is_claimed(live))
            ):
                return None
            live.status = SUPERSEDED
        self._note_needless(order)
        order.payment_started = True
        now = self.world.now
        order.hold_until = max(order.hold_until, now + PAY_WITHIN)
        attempt = Attempt(f"A{len(self.attempts)}", order, method, now + PAY_WITHIN, now + 1)
        attempt.capture_key = f"{attempt.reference}:capture:0"
        self.attempts.append(attempt)
        return attempt

    def _note_needless(self, order: Order) -> None:
        """Nobody is asked to pay again whose money was taken on our request."""
        others = [attempt for attempt in self.attempts if attempt.order is order]
        if any(each.is_live for each in others):
            self.world.needless.add("two_live_attempts")
        if any(each.method != PAGE and self.world.gateway.holds_money(each.reference) for each in others):
            self.world.needless.add("asked_to_pay_again")

    def _is_over(self, attempt: Attempt) -> bool:
        """A card attempt that was never charged, and whose time is up."""
        if attempt.method != CARD or self._is_claimed(attempt) or attempt.status == CAPTURING:
            return False
        return self.world.now > attempt.pay_until

    def _request_code(self, attempt: Attempt) -> Process:
        claim = self._take_claim(attempt)
        if claim is None:
            return
        yield
        try:
            self.world.gateway.send_code()
        except Lost:
            yield
            self._postpone(attempt)
        else:
            yield
            self._record_start(attempt, "")
        self._release_claim(attempt, claim)

    def _start(self, attempt: Attempt) -> Process:
        gateway, cart = self.world.gateway, attempt.order.cart
        if attempt.method == PAGE:  # signed here, no call
            self._record_start(attempt, "")
            return
        if attempt.method == CARD and self.has("card attempt capturing before the first byte"):
            if not attempt.is_live or attempt.order.status != PENDING or self.world.now > attempt.pay_until:
                return  # another way was chosen, the order was closed, or it took too long to come here
            attempt.status, attempt.next_check = CAPTURING, self.world.now + 1
        yield  # before_gateway_started
        try:
            if attempt.method == CARD:
                answer = gateway.charge(attempt.reference, cart, pay_until=attempt.pay_until)
            else:
                key = f"{attempt.reference}:create" if self.has("idempotency key on create") else ""
                answer = gateway.create(attempt.reference, cart, key=key)
        except Lost:
            yield
            self._postpone(attempt)
            return
        yield  # after_gateway_started
        if answer == "declined":
            self._record(attempt, ("declined", ""))
        else:
            self._record_start(attempt, "" if attempt.method == CARD else answer)
        yield  # after_start_recorded, before_buyer_redirected

    def _record_start(self, attempt: Attempt, purchase_id: str) -> None:
        attempt.purchase_id = purchase_id
        if attempt.status == CREATED:
            attempt.status = AWAITING

    # --- settle ---------------------------------------------------------------------------------------------

    def come_back(self, page: Page) -> Process:
        """The return page. What UnionPay tells the browser is signed: then the money is expected."""
        yield
        for attempt in self.attempts:
            if attempt.reference != page.reference or attempt.purchase_id != page.purchase_id:
                continue
            if attempt.method == PAGE and attempt.status == AWAITING and self._is_told_paid(attempt):
                attempt.status, attempt.next_check = CAPTURING, self.world.now
                yield
            yield from self.settle(attempt)

    def _is_told_paid(self, attempt: Attempt) -> bool:
        purchase = self.world.gateway.find(attempt.reference)
        return purchase is not None and purchase.status == "captured"

    def settle(self, attempt: Attempt) -> Process:
        if attempt.status != CAPTURED or not self.has("money is booked once"):
            yield from self.ask(attempt)

    def ask(self, attempt: Attempt) -> Generator[None, None, bool]:
        """False: nothing was learnt, because another process is asking just now, or for want of an answer."""
        claim = self._take_claim(attempt)
        if claim is None:
            return False
        yield
        if attempt.status == CAPTURED and self.has("money is booked once"):
            learnt = True  # refunds and reversals made elsewhere: not in this model
        else:
            learnt = yield from self._ask_for_result(attempt)
        self._release_claim(attempt, claim)
        return learnt

    def _ask_for_result(self, attempt: Attempt) -> Generator[None, None, bool]:
        gateway = self.world.gateway
        if attempt.method == PAYPAL and not attempt.purchase_id:  # its buyer never got a page
            self._record(attempt, ("unfinished", ""))
            return True
        pay_until = 0 if attempt.method == PAYPAL else attempt.pay_until
        try:
            outcome = gateway.fetch(attempt.purchase_id, reference=attempt.reference, pay_until=pay_until)
            yield  # after_outcome_fetched
            if outcome[0] == "approved":
                if not self._may_capture(attempt):
                    self._leave_alone(attempt)
                    return True
                yield  # before_capture
                if attempt.order.status == EXPIRED or attempt.status == SUPERSEDED:
                    self.world.needless.add("captured_in_vain")
                outcome = gateway.capture(attempt.purchase_id, key=attempt.capture_key)
                yield  # before_capture_recorded
        except Lost:
            yield
            self._postpone(attempt)
            return False
        yield from self._record_in_steps(attempt, outcome)
        return True

    def _may_capture(self, attempt: Attempt) -> bool:
        if not self.has("claim before capture"):
            return attempt.status != CAPTURED
        if not attempt.is_live or attempt.order.status != PENDING:
            return False
        attempt.status = CAPTURING
        return True

    def _leave_alone(self, attempt: Attempt) -> None:
        """Approved, so nothing was taken, and we do not take it: the order is closed."""
        if attempt.is_live and attempt.order.status in {CANCELLED, EXPIRED, PAID}:
            attempt.status = SUPERSEDED
        attempt.next_check = self.world.now + 1

    # --- notifications --------------------------------------------------------------------------------------

    def hear(self, reference: str) -> Process:
        """A notification: stored, answered with 200, then acted upon."""
        yield  # before_notification_committed
        event = Event(reference)
        self.inbox.append(event)
        yield  # after_notification_committed, before_event_processed
        yield from self._process(event)

    def _process(self, event: Event) -> Process:
        if event.processed:
            return
        attempt = next(each for each in self.attempts if each.reference == event.reference)
        if (yield from self.ask(attempt)):
            event.processed = True

    # --- background -----------------------------------------------------------------------------------------

    def background(self) -> list[Process]:
        return [self._sweep(), self._expire_orders(), self._work()]

    def _sweep(self) -> Process:
        yield
        if not self.has("sweep"):
            return
        for attempt in list(self.attempts):
            if not attempt.is_live and not self.has("sweep: also attempts that were given up"):
                continue
            if attempt.next_check is not None and attempt.next_check <= self.world.now:
                yield from self.settle(attempt)
        for event in list(self.inbox):
            yield from self._process(event)

    def _expire_orders(self) -> Process:
        yield
        for order in list(self.world.orders):
            if order.status == PENDING and order.hold_until <= self.world.now:
                yield from self._expire(order)

    def _expire(self, order: Order) -> Process:
        asks = self.has("expiry asks first")
        attempts = [attempt for attempt in self.attempts if attempt.order is order and attempt.is_live]
        is_told = any(self.world.gateway.would_tell(attempt.reference) for attempt in attempts)
        for attempt in attempts if asks else ():
            if not (yield from self.ask(attempt)):
                return
        yield  # before_expiry
        if order.status != PENDING or order.hold_until > self.world.now:
            return
        live = [attempt for attempt in self.attempts if attempt.order is order and attempt.is_live]
        if any(self._blocks_expiry(attempt) for attempt in live):
            return
        for attempt in live:
            attempt.status = GIVEN_UP
        self._release(order)
        order.status = EXPIRED
        if is_told or any(
            each.method != PAGE and self.world.gateway.holds_money(each.reference) for each in attempts
        ):
            self.world.needless.add("expired_although_paid")

    def _blocks_expiry(self, attempt: Attempt) -> bool:
        if attempt.status == CAPTURING:
            return self.has("capturing blocks expiry")
        return self._is_claimed(attempt)

    def cancel(self, order: Order) -> Process:
        """By staff, while nothing is known to be paid."""
        yield
        if order.status in {PENDING, REVIEW}:
            self._release(order)
            order.status = CANCELLED

    def _release(self, order: Order) -> None:
        if order.holds_stock:
            order.holds_stock = False
            self.world.stock += 1

    def _work(self) -> Process:
        """The outbox."""
        for message in list(self.outbox):
            if message.delivered or message.due > self.world.now or message.claimed_until >= self.world.now:
                continue
            message.claimed_until = self.world.now + LEASE
            yield  # after_message_claimed, after_refund_committed
            if not self._deliver(message):
                message.due, message.claimed_until = self.world.now + 1, -1
                continue
            yield  # before_delivery_recorded, before_refund_recorded
            message.delivered = True
            if isinstance(message.subject, Attempt):
                message.subject.refund = "done"
            yield  # after_delivery_recorded, after_refund_recorded

    def _deliver(self, message: Message) -> bool:
        if isinstance(message.subject, Order):
            if not self.world.sends_mail():
                return False
            self.world.mails[message.subject.id] += 1
            return True
        if message.subject.refund == "done":
            return True
        capture = next(name for name, attempt in self.ledger.items() if attempt is message.subject)
        key = f"refund:{message.subject.reference}" if self.has("idempotency key on refund") else ""
        try:
            self.world.gateway.refund(capture, key=key)
        except Lost:
            return False
        return True

    # --- for the checker ------------------------------------------------------------------------------------

    def left_undone(self) -> set[str]:
        """What must not be left when everything has become quiet."""
        undone = {
            "attempt_capturing": any(attempt.status == CAPTURING for attempt in self.attempts),
            "order_pending": any(order.status == PENDING for order in self.world.orders),
            "order_under_review": any(order.status == REVIEW for order in self.world.orders),
            "event_unprocessed": any(not event.processed for event in self.inbox),
            "message_undelivered": any(not message.delivered for message in self.outbox),
        }
        return {name for name, is_true in undone.items() if is_true}


def without(mechanism: str) -> Callable[[World], Shop]:
    """Our protocol with one mechanism switched off."""
    return partial(Shop, off=mechanism)
