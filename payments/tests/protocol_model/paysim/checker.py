"""What must be true when the faults are over and everything has become quiet."""

from __future__ import annotations

from collections import Counter

from .world import PAID, PENDING, REVIEW, STOCK, World


def faults_of(world: World) -> set[str]:
    """The names of the broken promises."""
    return _money(world) | _goods(world) | _gateway(world) | world.wrong


def _money(world: World) -> set[str]:
    gateway = world.gateway
    kept = {capture for capture in gateway.captures if not gateway.refunds[capture]}
    paid = [order for order in world.orders if order.status == PAID]
    paid_carts = Counter(order.cart for order in paid)
    kept_carts = Counter(gateway.captures[capture].cart for capture in kept)
    broken = {
        "refunded_twice": any(count > 1 for count in gateway.refunds.values()),
        "two_orders_of_one_cart": any(count > 1 for count in paid_carts.values()),
        "charged_twice": any(count > 1 for count in kept_carts.values()),
        "money_without_order": any(cart not in paid_carts for cart in kept_carts),
        "order_without_money": any(order.paid_by not in kept for order in paid),
        "paid_without_mail": any(not world.mails[order.id] for order in paid),
        "mail_without_payment": set(world.mails) - {order.id for order in paid} != set(),
    }
    return {name for name, is_true in broken.items() if is_true}


def _goods(world: World) -> set[str]:
    wanted = {order.id for order in world.orders if order.status in {PENDING, REVIEW, PAID}}
    held = {order.id for order in world.orders if order.holds_stock}
    drifted = wanted != held or world.stock + len(held) != STOCK
    return {"stock_drift"} if drifted else set()


def _gateway(world: World) -> set[str]:
    """One purchase per attempt, and no buyer on a page that we do not know."""
    told = Counter(purchase.reference for purchase in world.gateway.purchases.values())
    return {"two_purchases_of_one_attempt"} if any(count > 1 for count in told.values()) else set()
