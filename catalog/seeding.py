"""Putting the demo shop's goods and services into the database: only what is missing is made.

A merchant may have changed anything since, so a product that is there keeps its prices, stock and questions.
"""

from decimal import Decimal

from django.db import transaction

from catalog.demo.shapes import Choice, Goods, Question, Service, Shelf

from . import stock_receipts
from .demo import books, gifts, home, incense, services, study, tea, wear
from .models import Absence, Category, IntakeQuestion, Product, ServiceTerms, Variant

SHELVES: tuple[Shelf, ...] = (
    tea.SHELF,
    incense.SHELF,
    study.SHELF,
    home.SHELF,
    wear.SHELF,
    books.SHELF,
    gifts.SHELF,
    services.SHELF,
)


@transaction.atomic
def seed() -> int:
    """Returns how many products were made."""
    made = 0
    for position, shelf in enumerate(SHELVES, start=1):
        category, _ = Category.objects.get_or_create(
            slug=shelf.slug,
            defaults={
                **_both("name", shelf.name),
                **_both("intro", shelf.intro),
                "art": f"img/categories/{shelf.slug}.svg",
                "position": position * 10,
            },
        )
        for place, item in enumerate(shelf.items, start=1):
            made += _add(item, category, position * 100 + place)
    return made


def _add(item: Goods | Service, category: Category, position: int) -> bool:
    is_service = isinstance(item, Service)
    product, is_new = Product.objects.get_or_create(
        code=item.code,
        defaults={
            "kind": Product.Kind.SERVICE if is_service else Product.Kind.GOODS,
            "category": category,
            "slug": item.slug,
            **_both("name", item.name),
            **_both("text", item.text),
            **_both("art_title", item.picture),
            "art": f"img/products/{item.code}.svg",
            "position": position,
            **({"ships": False} if isinstance(item, Service) else _rules_of(item)),
        },
    )
    if not is_new:
        return False
    if isinstance(item, Service):
        _add_terms(product, item)
    else:
        _add_variants(product, item)
    IntakeQuestion.objects.bulk_create(
        _question(product, question, place) for place, question in enumerate(item.questions, start=1)
    )
    return True


def _rules_of(goods: Goods) -> dict[str, object]:
    return {
        "is_orderable": goods.orderable,
        "ships": goods.ships,
        "available_from": goods.available_from,
        "max_per_order": goods.most,
        "excluded_zones": list(goods.excluded),
        "is_featured": goods.featured,
    }


def _add_variants(product: Product, goods: Goods) -> None:
    choices = goods.variants or (Choice("", ("", ""), stock=goods.stock),)
    made = Variant.objects.bulk_create(
        Variant(
            product=product,
            sku=f"{goods.code}-{choice.suffix}" if choice.suffix else goods.code,
            **_both("name", choice.name),
            price=Decimal(choice.price or goods.price),
            was_price=Decimal(goods.was) if goods.was else None,
            weight_g=choice.grams or goods.grams,
            on_hand=choice.stock,
            position=position,
        )
        for position, choice in enumerate(choices, start=1)
    )
    stock_receipts.book(made, note="opening balance")


def _add_terms(product: Product, service: Service) -> None:
    Variant.objects.create(
        product=product, sku=service.code, price=Decimal(service.price), tracks_stock=False
    )
    ServiceTerms.objects.create(
        product=product,
        working_days=service.working_days,
        **_both("unit", service.unit),
        max_subjects=service.max_subjects,
        capacity_per_week=service.capacity_per_week,
        **_both("included", service.included),
        **_both("outline", service.outline),
    )
    Absence.objects.bulk_create(
        Absence(service=product, starts_on=away.since, ends_on=away.until, **_both("reason", away.reason))
        for away in service.away
    )


def _question(product: Product, question: Question, position: int) -> IntakeQuestion:
    return IntakeQuestion(
        product=product,
        key=question.key,
        kind=question.kind,
        **_both("label", question.label),
        **_both("help", question.help),
        choices=[dict(zip(("value", "zh_hant", "en"), choice, strict=True)) for choice in question.choices],
        is_required=question.required,
        is_personal=question.personal,
        keep_days=question.keep_days,
        max_length=question.max_length,
        pattern=question.pattern,
        may_follow=question.may_follow,
        is_third_person=question.third_person,
        **_both("purpose", question.purpose),
        options=dict(question.options),
        position=position,
    )


def _both(field: str, text: tuple[str, str]) -> dict[str, str]:
    return {f"{field}_zh_hant": text[0], f"{field}_en": text[1]}
