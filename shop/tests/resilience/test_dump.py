"""What a thief of the database, the queue, the files and the logs reads: nothing of a client's.

A canary is a text that belongs to a client. A new place where such a text can be typed gets a line in
``CANARIES`` and a step that types it.
"""

import re
from typing import Any

import pytest

from consulting.tests import documents
from shop.tests.harness.buyer import Buyer, forms_on
from shop.tests.harness.leaks import find_leaks, writings
from shop.tests.harness.stacks.stack import Stack
from shop.tests.harness.walk import key_in

SERVICE = "bazi-yearly-outlook"
EMAIL = "canary@example.com"
CANARIES = {
    "an answer": "Canary-Answer-5521 祕密",
    "the report's title": "Canary-Title-7702 題",
    "the report's text": "Canary-Text-4410 內文",
    "the name of a file": "Canary-File-6615 附件",
    "the client's message": "Canary-Message-8820 留言",
    "the consultant's message": "Canary-Message-8821 回覆",
}

pytestmark = pytest.mark.parametrize("stack", ["services"], indirect=True)


def order_a_service(stack: Stack) -> Buyer:
    buyer = Buyer(stack, email=EMAIL)
    buyer.add_to_cart(SERVICE)
    form = buyer.checkout_form()
    typed = [name for name in form if form[name] == "Chan"]
    assert typed, "no question takes a text"
    page = buyer.post_checkout({**form, **dict.fromkeys(typed, CANARIES["an answer"])})
    assert buyer.token, re.findall(r'class="error[^>]*>[^<]*<[^>]*>[^<]*', page.text)
    buyer.get(buyer.approve_at_paypal(buyer.press_pay().headers["Location"]))
    buyer.wait_until_paid()
    return buyer


def write_the_report(stack: Stack, number: str, **more: Any) -> None:
    consultant = Buyer(stack, email="")
    consultant.get("/en/admin/login/")
    login = {"username": "consultant", "password": stack.logins["consultant"]}
    consultant.post("/en/admin/login/?next=/en/consultant/", login)
    listing = consultant.get(f"/en/consultant/?order={number}").text
    path = re.search(r"/en/consultant/case/\d+/", listing).group()
    consultant.post(f"{path}take/", {})
    assert CANARIES["an answer"] in consultant.get(path).text
    form = next(form for form in forms_on(consultant.get(path)) if "seen" in form.fields)
    text = {"title": CANARIES["the report's title"], "body": CANARIES["the report's text"]}
    consultant.post(path, {**form.fields, **text, "action": "save"}, **more)
    agreed = next(form for form in forms_on(consultant.get(f"{path}publish/")) if "seen" in form.fields)
    consultant.post(f"{path}publish/", agreed.fields)
    if more:
        consultant.post(f"{path}messages/", {"text": CANARIES["the consultant's message"]})
    consultant.close()


def read_the_report(stack: Stack, key: str, message: str = "") -> str:
    """The page of the report, and that of the messages with one more of them."""
    reader = Buyer(stack, email=EMAIL)
    reader.get("/en/report/")
    index = reader.post("/en/report/", {"order_key": key, "email": EMAIL})
    path = re.search(r"/en/report/case/\d+/", index.text).group()
    page = reader.get(path).text
    if message:
        page += reader.post(f"{path}messages/", {"text": message}).text
    reader.close()
    return page


def test_a_thief_of_everything_but_the_secrets_reads_nothing(stack, record_property):
    buyer = order_a_service(stack)
    key = key_in(stack.wait_for_mail(EMAIL, "Order confirmation")["text"])
    file = {"attachments": (f"{CANARIES['the name of a file']}.pdf", documents.pdf(), "application/pdf")}
    write_the_report(stack, buyer.number, files=file)
    stack.wait_for_mail(EMAIL, "Consultation report ready")
    page = read_the_report(stack, key, message=CANARIES["the client's message"])
    for canary in list(CANARIES.values())[1:]:
        assert canary in page, "what is never shown proves nothing"
    buyer.close()
    needles = [*CANARIES.values(), *writings(key)]
    record_property("figure", f"dump of a stack: {len(needles)} needles looked for")
    assert find_leaks(stack, needles, but=["sandbox"]) == []
    assert find_leaks(stack, [buyer.number]) != [], "the search finds what is there"


@pytest.mark.prove
def test_the_demo_says_where_its_own_secrets_lie(stack):
    """Only there: in production they are in the environment and nowhere under VAR_DIR."""
    secrets = (stack.var / "demo-secrets.json").read_text()
    needles = re.findall(r': "([^"]{30,})"', secrets)
    assert len(needles) >= 4
    assert find_leaks(stack, needles, but=["demo-secrets.json"]) == []
