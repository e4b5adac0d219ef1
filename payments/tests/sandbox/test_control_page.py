"""The rehearsal for people: plain words, forms that need no script, mistakes told where they were made."""

import re
import secrets
from itertools import product

import pytest
import requests
from django.conf import settings as shop_settings
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve

from payments.sandbox import urls as sandbox_urls
from payments.sandbox.control.actions import ACTS
from payments.sandbox.control.forms import ScenarioForm
from payments.sandbox.control.scenarios import BY_NAME, GATEWAYS, SCENARIOS
from payments.sandbox.faults import registry as faults
from payments.sandbox.unionpay import pki
from payments.tests.harness.rehearsal import act, arm, armed, log
from payments.tests.harness.sandbox_server import serving
from shop.tests.harness.browser import assert_accessible, assert_visible
from shop.tests.harness.effort import times
from shop.tests.harness.walk import button, say

pytestmark = [pytest.mark.prove, pytest.mark.usefixtures("nothing_armed")]

LANGUAGES = ["en", "zh-hant"]
EACH = [(gateway, one) for one in SCENARIOS for gateway in one.orders]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """The whole sandbox in this process."""
    folder = tmp_path_factory.mktemp("page")
    ear = path("pay/notify/<path:gateway>", csrf_exempt(lambda request, gateway: HttpResponse(status=204)))
    static = path("static/<path:path>", serve, {"document_root": shop_settings.BASE_DIR / "static"})

    def settings_at(origin):
        return {
            "SITE_URL": origin,
            "SANDBOX_URL": origin,
            "PAYPAL_API_BASE": f"{origin}/paypal",
            "PAYPAL_BUYER_ORIGINS": [origin],
            "UNIONPAY_CERT_DIR": folder / "certificates",
            "UNIONPAY_GATEWAY": f"{origin}/unionpay/gateway/api",
        }

    with serving(
        (*sandbox_urls.urlpatterns, ear, static), folder, settings_at, prepare=pki.ensure_keys
    ) as origin:
        yield origin


@pytest.fixture
def paid(paypal, approved):
    """A payment that PayPal has taken."""
    purchase = approved(reference=f"{secrets.token_hex(4).upper()}2611240001")
    paypal.capture(purchase)
    return purchase


@pytest.fixture
def rehearsal(sandbox, open_page, complaints):
    """The page in a browser without JavaScript."""
    complaints.expected.append("status of 400")

    def open_at(language="en", query=""):
        page = open_page(language, javascript=False)
        page.goto(f"{sandbox}/rehearsal/{query}")
        return page

    return open_at


def number_of(purchase):
    return f"{purchase.reference[:4]}-{purchase.reference[4:8]}"


def press(page, name):
    """The button on the card of this scenario, in whatever group it stands."""
    card = page.locator(f"button[name=scenario][value={name}]")
    if not card.is_visible():
        page.locator("details", has=card).locator("summary").click()
    with page.expect_navigation():
        card.click()


# --- the words


def can_be_ordered(filled, gateway):
    """Whether the engine takes what this form orders."""
    if not filled.is_valid():
        return False
    order = filled.order()
    if not filled.is_act:
        return bool(faults.checked(order))
    _, parameters = ACTS[gateway][order["act"]]
    values = {name: value for name, value in order.items() if name not in {"gateway", "act"}}
    return all(parameters[name][0](value) for name, value in values.items())


def first_answers(field):
    """What a page that nobody has touched sends."""
    return field.choices[0][0] if hasattr(field, "choices") else field.initial or ""


def test_every_scenario_with_its_first_answers_can_be_ordered():
    offenders = []
    for gateway, scenario in EACH:
        form = ScenarioForm(scenario, gateway)
        answers = {form.add_prefix(name): first_answers(field) for name, field in form.fields.items()}
        if not can_be_ordered(ScenarioForm(scenario, gateway, answers), gateway):
            offenders.append((gateway, scenario.name))
    assert offenders == []


def test_every_choice_of_every_question_can_be_ordered():
    offenders = []
    for gateway, scenario in EACH:
        form = ScenarioForm(scenario, gateway)
        plain = {
            form.add_prefix(name): getattr(field, "choices", [("1.00", "")])[0][0]
            for name, field in form.fields.items()
        }
        for name, field in form.fields.items():
            for value, _ in getattr(field, "choices", []):
                answers = plain | {form.add_prefix(name): value}
                if not can_be_ordered(ScenarioForm(scenario, gateway, answers), gateway):
                    offenders.append((gateway, scenario.name, name, value))
    assert offenders == []


@pytest.mark.parametrize(("gateway", "language"), list(product(GATEWAYS, LANGUAGES))[:: times(3, 1)])
def test_the_page_is_accessible_and_fits_a_small_screen(sandbox, open_page, paid, gateway, language):
    arm(sandbox, gateway="paypal", on="capture", fault="decline", reference=paid.reference)
    arm(sandbox, gateway="unionpay", on="query", fault="html", times=0)
    page = open_page(language)
    page.goto(f"{sandbox}/rehearsal/?gateway={gateway}")
    for group in page.locator("summary").all()[1:]:
        group.click()
    assert_accessible(page)

    page.set_viewport_size({"width": 320, "height": 700})

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == ("zh-Hant" if language == "zh-hant" else "en")
    assert all(one.bounding_box()["height"] >= 24 for one in page.locator("button:visible").all())


def test_the_other_language_is_one_click_away_and_stays(sandbox, rehearsal):
    page = rehearsal("zh-hant")
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="UnionPay credit card").click()
    press(page, "declined")

    assert page.get_by_role("status").inner_text().startswith("Arranged: The payment is declined")


def test_the_page_is_found_from_the_start_and_from_every_page(sandbox, open_page):
    page = open_page("en", javascript=False)
    page.goto(f"{sandbox}/")
    page.locator("main").get_by_role("link", name=re.compile("Rehearsal|演練")).click()
    page.goto(f"{sandbox}/mailbox/")
    page.locator("header").get_by_role("link", name=re.compile("Rehearsal|演練")).click()

    assert page.url == f"{sandbox}/rehearsal/"


# --- faults


def test_a_fault_is_arranged_for_one_payment_seen_and_taken_back(sandbox, rehearsal, paid):
    page = rehearsal()
    page.get_by_label(number_of(paid)).check()
    page.get_by_label("How often?").select_option(label="Twice")
    page.locator("summary", has_text="The line to the gateway").click()
    page.locator("#id_silence-on").select_option(label="When money is given back")
    page.locator("#id_silence-seconds").select_option("15")
    press(page, "silence")

    (fault,) = armed(sandbox)
    parameters = {name: fault[name] for name in ("gateway", "on", "fault", "times", "reference", "seconds")}
    assert parameters == {
        "gateway": "paypal",
        "on": "refund",
        "fault": "hang",
        "times": 2,
        "reference": paid.reference,
        "seconds": 15.0,
    }
    listed = page.get_by_role("region", name="Arranged").inner_text()
    assert "No answer comes" in listed
    assert number_of(paid) in listed
    page.get_by_role("button", name="Take back: No answer comes").click()
    assert armed(sandbox) == []
    assert "Taken back" in page.get_by_role("status").inner_text()


def test_reloading_the_page_arranges_nothing_again(sandbox, rehearsal):
    page = rehearsal()
    press(page, "declined")
    page.reload()

    assert len(armed(sandbox)) == 1


def test_everything_is_taken_back_at_once(sandbox, rehearsal):
    page = rehearsal()
    for name in ("declined", "lost", "slow"):
        press(page, name)
    assert len(armed(sandbox)) == 3

    button(page, "en", "Take everything back").click()

    assert armed(sandbox) == []


def test_enter_in_a_field_chooses_no_card(sandbox, open_page):
    page = open_page("en")
    page.goto(f"{sandbox}/rehearsal/")
    page.locator("#id_tampered-told_amount").press("Enter")

    assert armed(sandbox) == []


@pytest.mark.parametrize("language", LANGUAGES[: times(1, 2)])
def test_an_amount_that_is_none_is_told_at_its_field(sandbox, rehearsal, language):
    page = rehearsal(language)
    field = page.locator("#id_tampered-told_amount")
    for typed in ("", "much", "0", "-1", "1.005", "1,00"):
        field.fill(typed)
        press(page, "tampered")

        assert_visible(page.locator("#id_tampered-told_amount_error"), typed)
        assert (field.input_value(), field.get_attribute("aria-invalid")) == (typed, "true")
        page.get_by_role("alert").get_by_role("link").click()
        assert page.url.endswith("#id_tampered-told_amount"), typed
    assert armed(sandbox) == []


def test_what_the_form_does_not_offer_is_refused(sandbox, paid):
    url = f"{sandbox}/rehearsal/"
    for wrong in (
        {"scenario": "explode"},
        {"scenario": "unknown"},  # UnionPay's
        {},
        {"scenario": "lost", "times": "7"},
        {"scenario": "lost", "reference": "SOMEBODY1"},
        {"scenario": "delayed", "delayed-delay": "1"},
    ):
        answer = requests.post(url, data={"times": "1", "reference": "", **wrong}, timeout=5)
        assert answer.status_code == 400, wrong
    assert armed(sandbox) == []
    assert requests.post(url, data={"remove": "x"}, timeout=5).status_code == 200
    assert requests.put(url, timeout=5).status_code == 405


# --- acts


def test_an_act_needs_a_payment_and_says_so(sandbox, rehearsal, paid):
    page = rehearsal()
    press(page, "dispute")

    assert page.locator("#reference-error").inner_text() == "Please choose one payment for this."
    assert page.locator("details[open]", has_text="After the payment").count() == 1
    page.get_by_label(number_of(paid)).check()
    press(page, "dispute")
    assert page.get_by_role("status").inner_text() == "Done: The buyer complains at PayPal."
    press(page, "dispute")
    assert "open dispute about this payment already" in page.locator("#reference-error").inner_text()


def test_a_partial_refund_at_paypal_is_done_and_shown(sandbox, rehearsal, paid):
    page = rehearsal(query=f"?reference={paid.reference}")
    page.locator("summary", has_text="After the payment").click()
    page.locator("#id_dashboard_refund-amount").fill("34.50")
    press(page, "dashboard_refund")

    row = page.locator("label.payment", has_text=number_of(paid))
    assert "partly given back" in row.inner_text()
    assert row.locator("input").is_checked()
    assert (
        "Done: The merchant refunds at PayPal"
        in page.get_by_role("region", name="What has happened").inner_text()
    )
    assert log(sandbox, "act", paid.reference)[-1]["act"] == "dashboard_refund"


def test_more_than_is_left_is_told_at_the_amount(sandbox, rehearsal, paid):
    page = rehearsal(query=f"?reference={paid.reference}")
    page.locator("summary", has_text="After the payment").click()
    page.locator("#id_reversal-amount").fill("9999.00")
    press(page, "reversal")

    assert page.locator("#id_reversal-amount_error").inner_text() == f"Only {paid.amount} is left."


def test_a_forged_notification_shows_what_the_shop_said(sandbox, rehearsal, paid):
    page = rehearsal(query=f"?reference={paid.reference}")
    press(page, "forged")

    assert (
        "Somebody sends a forged notification. The shop answered 204."
        in page.get_by_role("status").inner_text()
    )


# --- what is shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_happened_is_told_in_plain_words(sandbox, rehearsal, paypal, approved, language):
    purchase = approved(reference=f"{secrets.token_hex(4).upper()}2611240002")
    arm(sandbox, gateway="paypal", on="capture", fault="decline", reference=purchase.reference)
    paypal.capture(purchase)
    act(sandbox, gateway="paypal", act="resend_notifications", reference=purchase.reference)

    events = rehearsal(language).locator(".events").inner_text()

    declined = say(language, "The payment is declined")
    assert (
        say(
            language,
            "It happened: %(what)s (%(when)s)",
            what=declined,
            when=say(language, "When the money is taken"),
        )
        in events
    )
    assert (
        say(
            language,
            "Done: %(what)s",
            what=str(BY_NAME["again"].title)
            if language == "en"
            else say(language, "All notifications once more"),
        )
        in events
    )
    assert number_of(purchase) in events


def test_the_latest_payments_of_each_gateway_are_offered(sandbox, rehearsal, paid, started):
    waiting, _ = started(reference=f"{secrets.token_hex(4).upper()}2611240003")

    rows = rehearsal().locator("label.payment")

    assert "HK$1,234.50" in rows.filter(has_text=number_of(paid)).inner_text()
    assert "paid" in rows.filter(has_text=number_of(paid)).inner_text()
    assert "waiting for the buyer" in rows.filter(has_text=number_of(waiting)).inner_text()
    assert rehearsal(query="?gateway=unionpay").locator("label.payment").count() == 1


def test_a_crafted_address_shows_no_words_of_its_own(sandbox, rehearsal):
    page = rehearsal(query="?done=<b>paid&status=<i>&gateway=x&lang=y&reference=<u>")

    assert page.get_by_role("status").count() == 0
    assert "<b>" not in page.content()
