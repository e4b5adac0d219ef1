"""What every form field says to eyes and to screen readers."""

import datetime as dt
from decimal import Decimal

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import Context, Template
from django.test.html import parse_html
from django.urls import get_resolver
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy, override

from shop.templatetags.shop import money
from shop.tests.harness.failures import APPS
from shop.web.form_renderer import Renderer


class Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the parcel.")
    note = forms.CharField(label="Note", required=False)
    way = forms.ChoiceField(label="Way", choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)
    agreed = forms.BooleanField(label="Agreed")
    secret = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self):
        raise forms.ValidationError("Both do not go together.")


Members = forms.formset_factory(Sample, extra=1)


def field(form, name):
    return " ".join(str(form[name].as_field_group()).split())


def summary(*given):
    words = " ".join(f"form{number}" for number in range(len(given)))
    context = Context({f"form{number}": form for number, form in enumerate(given)})
    return " ".join(Template("{% error_summary " + words + " %}").render(context).split())


def test_a_field_ties_its_help_and_its_error_to_the_control():
    html = field(Sample({}), "name")
    assert '<label for="id_name">Name</label>' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<div class="help" id="id_name_helptext">As on the parcel.</div>' in html
    assert '<div class="error" id="id_name_error"><p>This field is required.</p></div>' in html


def test_a_field_that_is_right_says_nothing_of_errors():
    html = field(Sample({"name": "Mei"}), "name")
    assert "error" not in html
    assert "aria-invalid" not in html


def test_what_must_and_what_may_be_filled_in_is_told_in_words():
    assert "required</span>" in field(Sample(), "name")
    assert "optional</span>" in field(Sample(), "note")


def test_choices_are_a_group_with_a_legend():
    html = field(Sample({}), "way")
    assert html.startswith(
        '<fieldset class="field fieldset-field has-error" aria-describedby="id_way_error">'
    )
    assert "<legend>Way" in html


def test_the_label_of_a_tick_box_follows_it():
    html = field(Sample(), "agreed")
    assert html.index("<input") < html.index('<label for="id_agreed">')


def test_the_error_summary_takes_the_focus_and_links_to_the_fields():
    html = summary(Sample({}))
    assert 'role="alert" tabindex="-1" autofocus' in html
    assert '<a href="#id_name">Name: This field is required.</a>' in html
    assert '<a href="#id_way_0">Way: This field is required.</a>' in html, "a group's first choice"
    assert "<li>Both do not go together.</li>" in html


@pytest.mark.parametrize("form", [Sample(), None, Members()])
def test_there_is_no_summary_before_anything_was_sent(form):
    assert summary(form) == ""


def test_the_summary_covers_several_forms_lists_of_them_and_formsets():
    data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "0", "form-0-way": "c"}
    html = summary(Sample({}, prefix="one"), [Sample({}, prefix="two")], Members(data))
    for target in ("id_one-name", "id_two-name", "id_form-0-way_0"):
        assert f'href="#{target}"' in html


def test_what_was_typed_cannot_become_markup():
    class Echo(forms.Form):
        name = forms.CharField(label="<b>Name</b>")

        def clean_name(self):
            raise forms.ValidationError(self.cleaned_data["name"])

    form = Echo({"name": "<script>alert(1)</script>"})
    for html in (summary(form), field(form, "name")):
        assert "<script>" not in html
        assert "<b>" not in html


def test_marks_are_in_the_readers_language():
    with override("zh-hant"):
        assert "必填</span>" in field(Sample(), "name")


def test_amounts_read_alike_in_both_languages():
    for language in ("en", "zh-hant"):
        with override(language):
            assert money(Decimal("1234")) == "HK$1,234.00"
    assert money(None) == ""
    assert money(1234, "JPY") == "JPY 1,234"


HOSTILE = "\"><script>alert(1)</script>&amp;'"
CHOICES = [
    ("", "—"),
    (1, "One & only"),
    (HOSTILE, HOSTILE),
    ("Group <1>", [("a", gettext_lazy("Remove")), (None, mark_safe("<b>B</b>"))]),
]
WIDGETS = {
    widget.__name__: widget
    for widget in (
        forms.TextInput,
        forms.EmailInput,
        forms.NumberInput,
        forms.PasswordInput,
        forms.URLInput,
        forms.HiddenInput,
        forms.DateInput,
        forms.TimeInput,
        forms.CheckboxInput,
        forms.Select,
        forms.SelectMultiple,
        forms.NullBooleanSelect,
        forms.RadioSelect,
    )
}
VALUES = [
    None,
    "",
    "a",
    HOSTILE,
    1,
    1234567,
    Decimal("1234.50"),
    True,
    dt.date(2026, 11, 29),
    mark_safe("<i>"),
]


def test_widgets_look_as_django_would_write_them():
    """Ours are written without Django's templates, which say the same more slowly."""
    assert [
        f"{kind} of {value!r} in {language}"
        for language in ("en", "zh-hant")
        for kind in WIDGETS
        for value in VALUES
        if not looks_as_djangos(kind, language, value)
    ] == []


def looks_as_djangos(kind, language, value):
    widget = WIDGETS[kind](attrs={"class": HOSTILE, "required": True, "hidden": False, "maxlength": 1200})
    if hasattr(widget, "choices") and kind != "NullBooleanSelect":
        widget.choices = CHOICES
    value = [value] if kind == "SelectMultiple" else value
    with override(language):
        ours, djangos = (
            widget.render("na<me", value, {"id": "id_x"}, renderer)
            for renderer in (Renderer(), DjangoTemplates())
        )
    is_safe = isinstance(ours, SafeString) and "<script>" not in ours
    return is_safe and parse_html(ours) == parse_html(djangos)


def forms_of_ours():
    get_resolver().url_patterns  # noqa: B018 - whatever serves a page is imported
    found, waiting = set(), [forms.BaseForm]
    while waiting:
        waiting += (below := waiting.pop().__subclasses__())
        found.update(each for each in below if each.__module__.partition(".")[0] in APPS)
    return [each for each in found if not {"tests", "sandbox"} & set(each.__module__.split("."))]


def test_every_field_has_a_label_of_its_own():
    """What is made of a field's name is English in every language, and stands in the list of errors."""
    found = forms_of_ours()
    assert len(found) > 20
    unnamed = {
        f"{form.__module__}.{form.__name__}.{name}"
        for form in found
        for name, each in form.base_fields.items()
        if each.label is None and not each.widget.is_hidden
    }
    assert unnamed == set()
