"""The pages one browses: home, category, product."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from . import lead_times
from .models import Absence, Category, FormerAddress, IntakeQuestion, Product
from .shipping_zones import EXCLUDABLE


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    service = Q(kind=Product.Kind.SERVICE)
    picked = list(Product.objects.on_sale().with_variants().filter(service | Q(is_featured=True)))
    return render(
        request,
        "catalog/home.html",
        {
            "categories": Category.objects.all(),
            "goods": [product for product in picked if not product.is_service],
            "services": [product for product in picked if product.is_service],
            "report_days": lead_times.report_days(picked),
        },
    )


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    """All products of a category; ``?in_stock=1`` leaves out what is sold out."""
    categories = list(Category.objects.all())
    category = next((category for category in categories if category.slug == slug), None)
    if category is None:
        return _moved(request, FormerAddress.objects.filter(category__isnull=False), slug)
    products = category.products.on_sale().with_variants()
    only_in_stock = request.GET.get("in_stock") == "1"
    shown = list(products.in_stock() if only_in_stock else products)
    return render(
        request,
        "catalog/category.html",
        {
            "category": category,
            "categories": categories,
            "products": shown,
            "report_days": lead_times.report_days(shown),
            "has_goods": any(not product.is_service for product in shown),
            "only_in_stock": only_in_stock,
        },
    )


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    asks = Exists(IntakeQuestion.objects.filter(product=OuterRef("pk")))  # most goods ask nothing
    offered = Product.objects.on_sale().with_variants().annotate(asks=asks)
    product = offered.filter(slug=slug).first()
    if product is None:
        return _moved(request, FormerAddress.objects.filter(product__is_active=True), slug)
    return render(
        request,
        "catalog/service.html" if product.is_service else "catalog/product.html",
        {
            "product": product,
            "choice": _preselected(product),
            "questions": list(product.questions.all()) if product.asks else [],  # type: ignore[attr-defined]
            **_promised(product),
            "weight": _weight_of(product),
            "excluded": [EXCLUDABLE[zone] for zone in product.excluded_zones if zone in EXCLUDABLE],
        },
    )


def _moved(request: HttpRequest, known: QuerySet[FormerAddress], slug: str) -> HttpResponse:
    """To the page that was found there before its slug was changed. Raises Http404."""
    former = get_object_or_404(known.select_related("product", "category"), slug=slug)
    query = request.META.get("QUERY_STRING", "")
    moved = redirect(former.page.get_absolute_url() + (f"?{query}" if query else ""), permanent=True)
    moved["Cache-Control"] = "no-cache"  # remembered, it would lead in a ring once a slug comes back
    return moved


def _promised(product: Product) -> dict[str, Any]:
    """When the report is ready, or the goods leave, if it is ordered now."""
    if not product.is_service or product.terms is None:
        return {"ships_by": lead_times.ships_by([product]) if product.can_be_ordered else None}
    absences = list(Absence.objects.ahead())
    ready_on = lead_times.report_day(product, absences)
    delaying = lead_times.delaying(product, ready_on, absences)
    return {"report_days": {product.pk: ready_on}, "absences": delaying}


def _weight_of(product: Product) -> str:
    """Of one piece, as far as all variants weigh the same."""
    weights = {variant.weight_g for variant in product.offers}
    return f"{weights.pop():,} g" if product.ships and len(weights) == 1 and 0 not in weights else ""


def _preselected(product: Product) -> int | None:
    """The variant that stands chosen at first: the first that can be had."""
    return next((variant.pk for variant in product.offers if not variant.is_sold_out), None)
