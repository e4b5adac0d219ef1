"""Categories of the shop."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .fields import ART_HELP, in_language, validate_art


class Category(models.Model):
    """A shelf of the shop, with a page of its own."""

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
