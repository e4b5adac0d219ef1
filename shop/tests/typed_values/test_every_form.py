"""Whatever a form asks in words, numbers or dates stands in a field that reads typed values."""

import importlib
import pkgutil

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.forms import ReadOnlyPasswordHashField, UsernameField
from django.contrib.auth.models import User
from django.test import RequestFactory

from shop.tests.harness.failures import APPS
from shop.typed_values import fields

OWN = tuple(
    member for member in vars(fields).values() if isinstance(member, type) and issubclass(member, forms.Field)
)
# Chosen, ticked, uploaded or carried along: nothing is typed.
NOT_TYPED = (
    forms.ChoiceField,
    forms.MultipleChoiceField,
    forms.ModelChoiceField,
    forms.BooleanField,
    forms.FileField,
    UsernameField,  # of ordinary width, and admits letters, digits and @.+-_ only
    ReadOnlyPasswordHashField,
    forms.SlugField,  # admits ASCII letters, digits and hyphens only, and says so
)
ELSEWHERE = {
    "payments.sandbox": "the stand-ins' pages are for whoever tries them out, not for customers",
    "cart.forms.QuantityForm.quantity": "reads quantities with the same folding, and names too many as such",
    "cart.forms.RemovalForm.quantity": "as above",
    "shop.admin.sign_in.forms.ChangePasswordForm": "a password is compared as it was typed",
    "admin.Group.name": "the groups and their names are the shop's own",
    "catalog.admin_forms.QuestionForm.pattern": "a pattern may name characters that nobody types",
    "admin.Product.IntakeQuestion.pattern": "as above",
}


def subclasses(of):
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


def own_forms():
    for app in APPS:
        for module in pkgutil.walk_packages([app], f"{app}."):
            # ``shop.wsgi`` would make this process one that serves requests, also for the tests after this.
            if not {"tests", "migrations", "commands", "wsgi"} & set(module.name.split(".")):
                importlib.import_module(module.name)
    for form in dict.fromkeys(subclasses(forms.BaseForm)):
        parts = form.__module__.split(".")
        if parts[0] in APPS and "tests" not in parts and not issubclass(form, forms.BaseModelForm):
            yield f"{form.__module__}.{form.__qualname__}", form.base_fields


def admin_forms():
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    for model, page in admin.site._registry.items():
        if not page.has_change_permission(request):
            continue
        yield f"admin.{model.__name__}", page.get_form(request, model()).base_fields
        for inline in page.get_inline_instances(request):
            if not inline.has_change_permission(request):
                continue
            formset = inline.get_formset(request)
            yield f"admin.{model.__name__}.{formset.model.__name__}", formset.form.base_fields


def reads(field):
    is_chosen = isinstance(field.widget, forms.RadioSelect | forms.HiddenInput | forms.FileInput)
    return isinstance(field, (*OWN, *NOT_TYPED)) or is_chosen


@pytest.mark.django_db
def test_every_field_that_is_typed_into_reads_what_people_type():
    bare = [
        f"{form}.{name}: {type(field).__name__}"
        for form, of_form in [*own_forms(), *admin_forms()]
        for name, field in of_form.items()
        if not reads(field) and not any(f"{form}.{name}".startswith(place) for place in ELSEWHERE)
    ]
    assert bare == []


@pytest.mark.django_db
def test_no_browser_cuts_what_is_pasted():
    """A browser cuts at ``maxlength`` without a word, counting rare characters twice: the rest is lost."""
    cut = [
        f"{form}.{name}"
        for form, of_form in [*own_forms(), *admin_forms()]
        for name, field in of_form.items()
        if "maxlength" in field.widget.attrs and not isinstance(field, forms.SlugField | UsernameField)
        if not any(f"{form}.{name}".startswith(place) for place in ELSEWHERE)
    ]
    assert cut == []


def test_a_bare_field_would_be_seen():
    for field in (forms.CharField(), forms.CharField(widget=forms.Textarea), forms.EmailField(),
                  forms.IntegerField(), forms.DecimalField(), forms.DateField()):  # fmt: skip
        assert not reads(field)
    assert reads(fields.LineField())
