"""Products with their variants and, for services, their terms."""

from decimal import Decimal
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop import clock

from .category import Category
from .fields import ART_HELP, in_language, validate_art

MAX_QUANTITY = 99  # of anything, per order


class ProductQuerySet(models.QuerySet["Product"]):
    def on_sale(self) -> Self:
        return self.filter(is_active=True)

    def in_stock(self) -> Self:
        """Those of which at least one variant can be had."""
        left = Q(tracks_stock=False) | Q(on_hand__gt=F("reserved"))
        offers = Variant.objects.filter(left, product=OuterRef("pk"), is_active=True)
        return self.filter(Exists(offers))

    def with_variants(self) -> Self:
        return self.select_related("category", "service_terms").prefetch_related("variants")


class Product(models.Model):
    """Goods or a consulting service, with one page in the shop; its variants are what is bought."""

    class Kind(models.TextChoices):
        GOODS = "goods", _("goods")
        SERVICE = "service", _("consulting service")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    category = models.ForeignKey(
        Category, models.PROTECT, related_name="products", verbose_name=_("category")
    )
    code = models.CharField(_("product code"), max_length=20, unique=True)
    slug = models.SlugField(_("slug"), max_length=80, unique=True)
    name_zh_hant = models.CharField(_("name (Chinese)"), max_length=120)
    name_en = models.CharField(_("name (English)"), max_length=120, blank=True)
    text_zh_hant = models.TextField(_("text (Chinese)"), blank=True)
    text_en = models.TextField(_("text (English)"), blank=True)
    art = models.CharField(_("picture"), max_length=100, validators=[validate_art], help_text=ART_HELP)
    art_title_zh_hant = models.CharField(_("picture description (Chinese)"), max_length=120, blank=True)
    art_title_en = models.CharField(_("picture description (English)"), max_length=120, blank=True)
    is_active = models.BooleanField(_("shown in the shop"), default=True)
    is_orderable = models.BooleanField(_("can be ordered"), default=True)
    ships = models.BooleanField(_("is shipped"), default=True)
    available_from = models.DateField(
        _("ships from"), null=True, blank=True, help_text=_("Pre-order until then.")
    )
    max_per_order = models.PositiveSmallIntegerField(
        _("most per order"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    excluded_zones = models.JSONField(_("not shipped to"), default=list, blank=True)
    is_featured = models.BooleanField(_("on the home page"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("product")
        verbose_name_plural = _("products")

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def text(self) -> str:
        return in_language(self, "text")

    @property
    def art_title(self) -> str:
        return in_language(self, "art_title") or self.name

    @property
    def is_service(self) -> bool:
        return self.kind == self.Kind.SERVICE

    @property
    def terms(self) -> "ServiceTerms | None":
        """What a service promises. None for goods, and for a service whose terms nobody has written yet."""
        return getattr(self, "service_terms", None)

    @property
    def is_limited(self) -> bool:
        """Whether one order may hold only so many, all variants together."""
        return self.max_per_order is not None or self.is_service

    @property
    def can_be_ordered(self) -> bool:
        return self.is_active and self.is_orderable and (not self.is_service or self.terms is not None)

    @property
    def is_preorder(self) -> bool:
        return self.available_from is not None and self.available_from > clock.today()

    @property
    def offers(self) -> "list[Variant]":
        """The variants one can choose from. No query of its own after ``with_variants``."""
        return [variant for variant in self.variants.all() if variant.is_active]

    @property
    def has_choices(self) -> bool:
        return len(self.offers) > 1

    @property
    def lowest(self) -> "Variant | None":
        return min(self.offers, key=lambda variant: variant.price, default=None)

    @property
    def has_price_range(self) -> bool:
        return len({variant.price for variant in self.offers}) > 1

    def get_absolute_url(self) -> str:
        return reverse("catalog:product", args=[self.slug])


class Variant(models.Model):
    """What is bought, priced and counted. A product without choices has exactly one, without a name."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants", verbose_name=_("product"))
    sku = models.CharField(_("SKU"), max_length=30, unique=True)
    name_zh_hant = models.CharField(_("name (Chinese)"), max_length=60, blank=True)
    name_en = models.CharField(_("name (English)"), max_length=60, blank=True)
    price = models.DecimalField(
        _("price"), max_digits=10, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    was_price = models.DecimalField(
        _("price before the sale"), max_digits=10, decimal_places=2, null=True, blank=True
    )
    weight_g = models.PositiveIntegerField(_("weight in grams"), default=0)
    tracks_stock = models.BooleanField(_("stock is counted"), default=True)
    on_hand = models.PositiveIntegerField(_("on hand"), default=0)
    reserved = models.PositiveIntegerField(_("reserved"), default=0, editable=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("shown in the shop"), default=True)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("variant")
        verbose_name_plural = _("variants")
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__lte=F("on_hand")),
                name="reserved_within_on_hand",
                violation_error_message=_("More is reserved for open orders than this."),
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="price_is_positive"),
            models.CheckConstraint(
                condition=Q(was_price__isnull=True) | Q(was_price__gt=F("price")),
                name="was_price_above_price",
                violation_error_message=_("The price before the sale must be higher than the price."),
            ),
        ]

    def __str__(self) -> str:
        return self.sku

    def clean(self) -> None:
        """Say at its field what the constraint says of the whole."""
        if self.price is not None and self.was_price is not None and self.was_price <= self.price:
            text = _("The price before the sale must be higher than the price.")
            raise ValidationError({"was_price": text})

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def available(self) -> int | None:
        """How many can be bought now; None where stock is not counted."""
        return self.on_hand - self.reserved if self.tracks_stock else None

    @property
    def full_name(self) -> str:
        """Product and variant in the reader's language."""
        return f"{self.product.name} – {self.name}" if self.name else self.product.name

    @property
    def is_sold_out(self) -> bool:
        return self.tracks_stock and self.on_hand <= self.reserved


class ServiceTerms(models.Model):
    """What a consulting service promises: per what, by when, for how many subjects."""

    product = models.OneToOneField(
        Product, models.CASCADE, related_name="service_terms", verbose_name=_("service")
    )
    working_days = models.PositiveSmallIntegerField(_("working days until the report"))
    unit_zh_hant = models.CharField(_("per (Chinese)"), max_length=30)
    unit_en = models.CharField(_("per (English)"), max_length=30)
    max_subjects = models.PositiveSmallIntegerField(
        _("most subjects per order"), default=1, validators=[MinValueValidator(1)]
    )
    capacity_per_week = models.PositiveSmallIntegerField(_("reports per week"))
    included_zh_hant = models.TextField(_("what you get (Chinese)"), blank=True)
    included_en = models.TextField(_("what you get (English)"), blank=True)
    # Where a consultant begins to write: the usual headings, one per line.
    outline_zh_hant = models.TextField(_("sections of the report (Chinese)"), blank=True)
    outline_en = models.TextField(_("sections of the report (English)"), blank=True)

    class Meta:
        verbose_name = _("terms of the service")
        verbose_name_plural = _("terms of the services")

    def __str__(self) -> str:
        return str(self.product)

    @property
    def unit(self) -> str:
        return in_language(self, "unit")

    @property
    def included(self) -> str:
        return in_language(self, "included")
