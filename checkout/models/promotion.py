"""Promo codes: what they take off, from what, under which conditions, and which orders have used them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Product, in_language
from checkout.order_numbers import LOOK_ALIKES, without_label
from shop import clock
from shop.typed_values.characters import fold_code

_AROUND = " .,;!()[]「」『』《》〈〉【】“”‘’\"'。、"


def normalised_code(text: str) -> str:
    """A code as people write it - small letters, full width, spaces, any dash - as it is kept.

    A label before it and quotation marks, brackets, a full stop around it are left out.
    """
    bare = fold_code(text).strip(_AROUND).rpartition(":")[2].strip(_AROUND)
    return "".join(bare.split())


class CodeField(models.CharField):  # type: ignore[type-arg]
    """Kept in one spelling, so that the unique constraint means what people mean."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normalised_code(text) if isinstance(text, str) else text


def _skeleton(code: str) -> str:
    """What is left of a code for a person who misreads it, or leaves out its hyphens."""
    return "".join(sign for sign in code if sign.isalnum()).translate(LOOK_ALIKES)


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def named(self, typed: str) -> Promotion | None:
        """The promotion whose code was typed, or pasted with its label, its quotation marks or a full stop.

        Hyphens and look-alikes (O for 0) may differ where that can mean one code only.
        """
        code = normalised_code(typed)
        if promotion := self.filter(code=code).first():
            return promotion
        meant = _skeleton(normalised_code(without_label(code)))
        alike = [each for each in self.values_list("code", flat=True) if meant and _skeleton(each) == meant]
        return self.get(code=alike[0]) if len(alike) == 1 else None

    def with_uses(self) -> models.QuerySet[Any]:
        """``used``: how many orders count."""
        return self.annotate(used=Count("redemptions", filter=Q(redemptions__released_at=None)))


class Promotion(models.Model):
    """A promo code: what it takes off, from what, and under which conditions."""

    class Kind(models.TextChoices):
        PERCENT = "percent", _("percent off")
        AMOUNT = "amount", _("amount off")
        FREE_SHIPPING = "free_shipping", _("free shipping")

    class Scope(models.TextChoices):
        GOODS = "goods", _("all products")
        SERVICES = "services", _("all consulting services")
        NAMED = "named", _("chosen products and services")

    code = CodeField(
        _("promo code"),
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[A-Z0-9][A-Z0-9-]{2,19}$", _("3 to 20 letters A–Z, digits and hyphens."))
        ],
        help_text=_("Customers may write it in small letters or full width."),
    )
    name_zh_hant = models.CharField(_("name (Chinese)"), max_length=80)
    name_en = models.CharField(_("name (English)"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=15, choices=Kind)
    percent = models.PositiveSmallIntegerField(
        _("percent"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    amount = models.DecimalField(
        _("amount"),
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text=_("Taken off once per order, never more than what it applies to costs."),
    )
    scope = models.CharField(_("applies to"), max_length=10, choices=Scope, default=Scope.GOODS)
    products = models.ManyToManyField(
        Product, blank=True, related_name="+", verbose_name=_("products and services")
    )
    minimum_value = models.DecimalField(
        _("minimum value"),
        max_digits=10,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
        help_text=_("Of what it applies to, before the discount. 0: no minimum."),
    )
    minimum_quantity = models.PositiveSmallIntegerField(
        _("minimum quantity"), default=0, help_text=_("Pieces of what it applies to. 0: no minimum.")
    )
    valid_from = models.DateField(_("valid from"), null=True, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last day, Hong Kong time.")
    )
    max_uses = models.PositiveIntegerField(
        _("most orders"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("All customers together. Empty: any number."),
    )
    once_per_email = models.BooleanField(_("once per e-mail address"), default=False)
    first_order_only = models.BooleanField(_("first order only"), default=False)
    is_active = models.BooleanField(_("active"), default=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["code"]
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        constraints = [
            models.CheckConstraint(
                # A comparison with NULL would pass: that there is a value has to be said.
                condition=Q(kind="percent", percent__isnull=False, percent__range=(1, 100), amount=None)
                | Q(kind="amount", percent=None, amount__isnull=False, amount__gt=0)
                | Q(kind="free_shipping", percent=None, amount=None),
                name="promotion_takes_off_one_thing",
                violation_error_message=_("Percent or amount: exactly the one that the kind names."),
            ),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lte=F("valid_until")),
                name="promotion_ends_after_it_begins",
                violation_error_message=_("The last day comes before the first."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.code)

    @property
    def name(self) -> str:
        return in_language(self, "name")

    @property
    def is_personal(self) -> bool:
        """Whether it depends on whose order it is."""
        return self.once_per_email or self.first_order_only

    @property
    def is_over(self) -> bool:
        return self.valid_until is not None and self.valid_until < clock.today()

    @property
    def is_early(self) -> bool:
        return self.valid_from is not None and self.valid_from > clock.today()

    def clean(self) -> None:
        """Says at its field what the constraint says of the whole."""
        columns = {self.Kind.PERCENT: "percent", self.Kind.AMOUNT: "amount"}
        for kind, field in columns.items():
            is_given = getattr(self, field) is not None
            if self.kind == kind and not is_given:
                raise ValidationError({field: _("Please say how much is taken off.")})
            if self.kind != kind and is_given:
                raise ValidationError({field: _("Leave this empty for the chosen kind.")})
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValidationError({"valid_until": _("The last day comes before the first.")})


class Redemption(models.Model):
    """An order uses a promotion. One that did not come to anything is released, and counts no more."""

    promotion = models.ForeignKey(Promotion, models.PROTECT, related_name="redemptions")
    order = models.OneToOneField("checkout.Order", models.CASCADE, related_name="redemption")
    email = models.EmailField(blank=True)  # whose use it was, whatever becomes of the order's address
    at = models.DateTimeField(_("at"))
    released_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("use of a promotion")
        verbose_name_plural = _("uses of promotions")

    def __str__(self) -> str:
        return f"{self.promotion_id} {self.order_id}"
