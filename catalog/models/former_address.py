"""Where pages were found before."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .category import Category
from .product import Product


class FormerAddressQuerySet(models.QuerySet["FormerAddress"]):
    def note(self, row: Product | Category, slug: str) -> None:
        """The row's page was found under this slug until now. Another's former one gives way."""
        of_kind = {"product": row} if isinstance(row, Product) else {"category": row}
        [name] = of_kind
        self.filter(**{f"{name}__isnull": False}, slug__in={slug, row.slug}).delete()
        self.create(slug=slug, **of_kind)


class FormerAddress(models.Model):
    """A slug that a product or a category had: links in mails, on other sites and in searches stay good."""

    slug = models.SlugField(_("slug"), max_length=80)
    product = models.ForeignKey(Product, models.CASCADE, null=True, related_name="former_addresses")
    category = models.ForeignKey(Category, models.CASCADE, null=True, related_name="former_addresses")

    objects = FormerAddressQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("former address")
        verbose_name_plural = _("former addresses")
        constraints = [
            models.CheckConstraint(
                condition=Q(product=None, category__isnull=False) | Q(product__isnull=False, category=None),
                name="former_address_of_one_page",
            ),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(category=None), name="former_address_of_one_product"
            ),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(product=None), name="former_address_of_one_category"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def page(self) -> Product | Category:
        page = self.product or self.category
        if page is None:  # the constraint knows better
            raise TypeError
        return page
