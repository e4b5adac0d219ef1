"""Orders as consulting meets them. Rows are written directly: cart and checkout have tests of their own."""

import datetime as dt
from decimal import Decimal

from django.contrib.auth.models import Permission, User

from catalog.models import Category, Product, ServiceTerms, Variant
from checkout.models import Intake, Order, OrderLine
from checkout.signals import order_paid
from consulting import keys, services
from shop import clock

ANSWER = "canary-answer-5521 <b>bold</b>"
CONTACT = "canary-contact-9313"
TITLE = "canary-title-7702"
TEXT = "canary-text-4410"
EMAIL = "Mei.Chan@shop.example"


def service(code: str = "SV2", *, kind: str = Product.Kind.SERVICE) -> Variant:
    category, _ = Category.objects.get_or_create(
        slug="consult", defaults={"name_zh_hant": "諮詢服務", "name_en": "Consulting services"}
    )
    product = Product.objects.create(
        kind=kind,
        category=category,
        code=code,
        slug=code.lower(),
        name_zh_hant="八字流年規劃報告",
        name_en="BaZi yearly outlook report",
        ships=False,
    )
    if kind == Product.Kind.SERVICE:
        ServiceTerms.objects.create(
            product=product, working_days=7, unit_zh_hant="位", unit_en="person", capacity_per_week=9
        )
    return Variant.objects.create(product=product, sku=code, price=Decimal(1280), tracks_stock=False)


def unpaid_order(number: str = "A7K3-92QM", *, subjects: int = 2, language: str = "en") -> Order:
    """A service for some subjects, with answers about each; not paid yet."""
    total = Decimal(1280) * subjects
    order = Order.objects.create(
        number=number,
        token=f"token-of-{number}",
        language=language,
        email=EMAIL,
        currency="HKD",
        goods_total=0,
        services_total=total,
        shipping_total=0,
        total=total,
        placed_at=clock.now(),
        hold_until=clock.now(),
    )
    line = add_line(order, service(f"SV-{number}"), quantity=subjects)
    for subject in range(subjects + 1):
        value = f"{ANSWER} {subject}" if subject else CONTACT
        Intake.objects.create(line=line, subject=subject, answers=[answer("Name", value)])
    return order


def add_line(order: Order, variant: Variant, *, quantity: int) -> OrderLine:
    is_service = variant.product.is_service
    return OrderLine.objects.create(
        order=order,
        position=order.lines.count() + 1,
        kind=variant.product.kind,
        variant=variant,
        sku=variant.sku,
        name_zh_hant=variant.product.name_zh_hant,
        name_en=variant.product.name_en,
        unit_price=variant.price,
        quantity=quantity,
        ships=False,
        weight_g=0,
        working_days=7 if is_service else None,
        report_due_on=dt.date(2026, 12, 3) if is_service else None,
    )


def answer(question: str, value: str) -> dict[str, str]:
    return {
        "key": "name",
        "label_zh_hant": question,
        "label_en": question,
        "value": value,
        "shown_zh_hant": value,
        "shown_en": value,
    }


def pay(order: Order) -> Order:
    order.move_to(Order.Status.PAID)
    order_paid.send(sender=Order, order=order)
    return order


def paid_order(number: str = "A7K3-92QM", **details: object) -> Order:
    return pay(unpaid_order(number, **details))


def key_of(order: Order) -> str:
    return keys.grouped(services.read_key(order.keys.get(state="active")))


def staff(name: str, *permissions: str, **more: bool) -> User:
    user = User.objects.create_user(name, f"{name}@shop.example", "pw", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def published(case, author, text: str = TEXT):
    services.assign(case, author)
    report = services.save_draft(case, author=author, title=TITLE, body=text)
    return services.publish(report, actor=author.username)
