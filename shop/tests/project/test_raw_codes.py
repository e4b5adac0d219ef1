"""The administration shows names in the reader's language, never the codes that columns hold."""

import html
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import override

from shop.tests.harness.access import world as world_of
from shop.tests.harness.failures import APPS

CODES = {"paypal", "unionpay", "unionpay-card", "unionpay-page", "en", "zh-hant", "zh_hant"}
NAMES = {"PayPal", "DHL"}  # are what they are called
CHOSEN = re.compile(r"<script.*?</script>|<select.*?</select>|<textarea.*?</textarea>", re.DOTALL)


def ours():
    return [model for model in admin.site._registry if model.__module__.split(".")[0] in APPS]


def raw_values() -> set[str]:
    """What the columns of our tables hold, where people read something else."""
    fields = [
        field for model in ours() for field in model._meta.get_fields() if getattr(field, "choices", None)
    ]
    return CODES | {
        str(value) for field in fields for value, name in field.flatchoices if str(name) not in NAMES
    }


def shown_raw(page: str, raw: set[str]) -> set[str]:
    texts = re.findall(r">([^<>]+)<", CHOSEN.sub("", page))
    return {text for text in (html.unescape(each).strip() for each in texts) if text in raw}


@pytest.mark.django_db
def test_no_page_of_the_administration_shows_a_raw_code(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    staff = world_of.make().browsers["superuser"]
    with override("zh-hant"):
        people = set(User.objects.values_list("username", flat=True))
        raw, found, count = raw_values() - people, {}, 0
        for model in ours():
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            row = model.objects.order_by("pk").last()
            for url in [reverse(f"{name}_changelist")] + (
                [reverse(f"{name}_change", args=[row.pk])] if row else []
            ):
                page = staff.get(url)
                count += page.status_code == 200
                if codes := shown_raw(page.content.decode(), raw):
                    found[url] = codes
    assert count > 25
    assert found == {}


def test_a_raw_code_would_be_seen():
    assert shown_raw("<td>unionpay</td><p>銀聯 unionpay</p><select><option>en</select>", CODES) == {
        "unionpay"
    }
