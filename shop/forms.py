"""How form fields look: Django's own widgets inside the shop's field template."""

from pathlib import Path

import django.forms
from django.conf import settings
from django.forms.renderers import DjangoTemplates
from django.template.backends.django import DjangoTemplates as Engine
from django.utils.functional import cached_property


class Renderer(DjangoTemplates):
    """Looks in ``templates/`` first, so ``templates/django/forms/field.html`` is every field's template."""

    @cached_property
    def engine(self) -> Engine:
        built_in = Path(django.forms.__file__).parent / "templates"
        return Engine(
            {
                "APP_DIRS": True,
                "DIRS": [settings.BASE_DIR / "templates", built_in],
                "NAME": "shopforms",
                "OPTIONS": {"builtins": settings.TEMPLATE_BUILTINS},
            }
        )
