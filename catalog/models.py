"""What can be bought: goods and consulting services, in two languages."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop import clock
from shop.l10n.languages import current_column

from . import question_options

MAX_QUANTITY = 99  # of anything, per order


def in_language(instance: models.Model, field: str) -> str:
    """The field in the reader's language, or in the other one where it has not been translated."""
    first = current_column()
    other = "zh_hant" if first == "en" else "en"
    return str(getattr(instance, f"{field}_{first}") or getattr(instance, f"{field}_{other}"))


def language_of(instance: models.Model, field: str) -> str:
    """The language code of what ``in_language`` gives: what a page must put into ``lang``."""
    first = current_column()
    other = "zh_hant" if first == "en" else "en"
    is_fallback = not getattr(instance, f"{field}_{first}") and getattr(instance, f"{field}_{other}")
    return (other if is_fallback else first).replace("_", "-")


def validate_art(path: str) -> None:
    """A picture that is not there would break every page that shows it."""
    try:
        found = finders.find(path)
    except SuspiciousFileOperation:  # ../
        found = None
    if found is None or not Path(found).is_file():
        raise ValidationError(_("There is no such file under static/."))


ART_HELP = _("Path of an SVG under static/, e.g. img/products/TEA-001.svg")


class Category(models.Model):
    slug = models.SlugField(_("slug"), unique=True)
    name_zh_hant = models.CharField(_("name (Chinese)"), max_length=60)
    name_en = models.CharField(_("name (English)"), max_length=60)
    intro_zh_hant = models.TextField(_("introduction (Chinese)"), blank=True)
    intro_en = models.TextField(_("introduction (English)"), blank=True)
    art = models.CharField(
        _("picture"), max_length=100, blank=True, validators=[validate_art], help_text=ART_HELP
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("category")
        verbose_name_plural = _("categories")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def intro(self) -> str:
        return in_language(self, "intro")

    def get_absolute_url(self) -> str:
        return reverse("catalog:category", args=[self.slug])


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


class StockReceipt(models.Model):
    """One row per change of the stock outside orders: goods that came in, or a count put right."""

    class Kind(models.TextChoices):
        RECEIVE = "receive", _("received")
        CORRECT = "correct", _("corrected")

    variant = models.ForeignKey(
        Variant, models.CASCADE, related_name="receipts", verbose_name=_("variant")
    )  # what was never ordered may be deleted, with its past
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    quantity = models.IntegerField(_("quantity"))
    at = models.DateTimeField(_("at"))
    by = models.CharField(_("by"), max_length=150, blank=True)  # user name; empty: the shop itself
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("stock receipt")
        verbose_name_plural = _("stock receipts")
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gt=0) | Q(kind="correct", quantity__lt=0),
                name="receipt_moves_something",
            )
        ]

    def __str__(self) -> str:
        return f"{self.variant_id} {self.kind} {self.quantity}"


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


class IntakeQuestion(models.Model):
    """What must be known before the work can begin. Asked once per subject at checkout."""

    class Kind(models.TextChoices):
        TEXT = "text", _("one line")
        LONG_TEXT = "long_text", _("several lines")
        NUMBER = "number", _("number")
        DATE = "date", _("date")
        TIME = "time", _("time, or unknown")
        MONTH = "month", _("month")
        CHOICE = "choice", _("one of a list")
        MULTI = "multi", _("several of a list")
        YES_NO = "yes_no", _("yes or no")
        PERSON = "person", _("person: name, birth, place")
        REPEAT = "repeat", _("list of short entries")
        FILE = "file", _("files")

    product = models.ForeignKey(Product, models.CASCADE, related_name="questions", verbose_name=_("product"))
    key = models.SlugField(_("key"), max_length=40)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TEXT)
    label_zh_hant = models.CharField(_("question (Chinese)"), max_length=200)
    label_en = models.CharField(_("question (English)"), max_length=200)
    help_zh_hant = models.CharField(_("help (Chinese)"), max_length=300, blank=True)
    help_en = models.CharField(_("help (English)"), max_length=300, blank=True)
    # [{"value": "n", "zh_hant": "北", "en": "North"}, ...]
    choices = models.JSONField(_("choices"), default=list, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)  # what they may be: questions.py
    is_required = models.BooleanField(_("required"), default=False)
    may_follow = models.BooleanField(
        _("can follow after payment"), default=False, help_text=_("The buyer may leave it for later.")
    )
    is_personal = models.BooleanField(_("personal data"), default=False)
    is_third_person = models.BooleanField(
        _("about another person"), default=False, help_text=_("Their consent is asked for with the answer.")
    )
    purpose_zh_hant = models.CharField(
        _("why we ask (Chinese)"), max_length=200, blank=True, help_text=_("Stands at the question.")
    )
    purpose_en = models.CharField(_("why we ask (English)"), max_length=200, blank=True)
    keep_days = models.PositiveSmallIntegerField(_("days kept after delivery"), default=180)
    max_length = models.PositiveSmallIntegerField(_("longest answer"), default=200)
    pattern = models.CharField(_("pattern (regular expression)"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [models.UniqueConstraint(fields=["product", "key"], name="question_key_per_product")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        return in_language(self, "label")

    @property
    def help(self) -> str:
        return in_language(self, "help")

    @property
    def purpose(self) -> str:
        return in_language(self, "purpose")

    @property
    def conditions(self) -> dict[str, list[str]]:
        """Asked only when each of these earlier questions (keys) was answered with one of the values."""
        return dict(self.options.get("conditions", {}))

    def applies(self, answers: Mapping[str, Any]) -> bool:
        """Whether the question is asked, after these answers to earlier ones (key -> value or values)."""
        for key, values in self.conditions.items():
            answer = answers.get(key)
            chosen = answer if isinstance(answer, list) else [answer]
            if not set(values) & set(chosen):
                return False
        return True

    @property
    def has_list(self) -> bool:
        return self.kind in {self.Kind.CHOICE, self.Kind.MULTI, self.Kind.YES_NO}

    @property
    def possible_answers(self) -> set[str]:
        if self.kind == self.Kind.YES_NO:
            return {"yes", "no"}
        return {choice["value"] for choice in self.choices}

    def clean(self) -> None:
        question_options.check_options(self.kind, self.options)


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def ahead(self) -> Self:
        """Those that are not over: what promises made from now on must respect."""
        return self.filter(ends_on__gte=clock.today())


class Absence(models.Model):
    """Days on which no report is written: they do not count towards the date that a service promises.

    What has been promised stays; an absence entered later only marks the cases that it endangers.
    """

    MAX_DAYS = 366

    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"), help_text=_("The last day of it."))
    service = models.ForeignKey(
        Product,
        models.CASCADE,
        null=True,
        blank=True,
        limit_choices_to={"kind": Product.Kind.SERVICE},
        related_name="absences",
        verbose_name=_("only this service"),
        help_text=_("Empty: no service is worked on."),
    )
    reason_zh_hant = models.CharField(_("public reason (Chinese)"), max_length=120, blank=True)
    reason_en = models.CharField(_("public reason (English)"), max_length=120, blank=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ["starts_on", "id"]
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="absence_ends_after_it_starts",
                violation_error_message=_("The last day must not be before the first."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} – {self.ends_on}"

    def clean(self) -> None:
        if self.starts_on and self.ends_on and (self.ends_on - self.starts_on).days >= self.MAX_DAYS:
            raise ValidationError({"ends_on": _("An absence lasts a year at most. Please check the dates.")})

    @property
    def reason(self) -> str:
        return in_language(self, "reason")

    def concerns(self, product_id: int) -> bool:
        return self.service_id in (None, product_id)

    def covers(self, day: dt.date) -> bool:
        return self.starts_on <= day <= self.ends_on
