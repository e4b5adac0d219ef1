"""Days on which no report is written."""

import datetime as dt
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from shop import clock

from .fields import in_language
from .product import Product


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
        if not (self.starts_on and self.ends_on):
            return
        if self.ends_on < self.starts_on:
            raise ValidationError({"ends_on": _("The last day must not be before the first.")})
        if (self.ends_on - self.starts_on).days >= self.MAX_DAYS:
            raise ValidationError({"ends_on": _("An absence lasts a year at most. Please check the dates.")})

    @property
    def reason(self) -> str:
        return in_language(self, "reason")

    def concerns(self, product_id: int) -> bool:
        return self.service_id in (None, product_id)

    def covers(self, day: dt.date) -> bool:
        return self.starts_on <= day <= self.ends_on
