"""Mails: two readable parts in the receiver's language, and no way to smuggle a header in."""

import ast
import re

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.core import mail as outgoing
from django.core.mail import BadHeaderError
from django.db import transaction
from django.forms import Form, Textarea

from checkout.addresses import forms as address_forms
from checkout.forms import contact
from checkout.orders import forms as order_forms
from checkout.placement import forms as placement_forms
from consulting.client import forms as client_forms
from shop import mail
from shop.background.outbox import GiveUp, Passing
from shop.database import OpenTransaction
from shop.templatetags.shop import quoted
from shop.tests.harness.environment import free_ports

SAMPLE = {
    "sample.subject.txt": '{% translate "Order number" %}\n{{ number }}\n',
    "sample.txt": '{% autoescape off %}{% translate "Order number" %}: {{ number }}{% endautoescape %}',
    "sample.html": """{% extends "emails/base.html" %}
        {% block main %}<p class="key">{{ number }}</p>{% endblock %}""",
}


@pytest.fixture(autouse=True)
def sample(settings, tmp_path):
    folder = tmp_path / "emails"
    folder.mkdir()
    for name, text in SAMPLE.items():
        (folder / name).write_text(text)
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]


OWN_WORDS = {("money_health.txt", "finding.text"), ("payment_dispute.txt", "reason")}


def texts_typed_by_visitors():
    """Names of what visitors may type in several lines."""
    fields = {}
    for module in (address_forms, contact, order_forms, placement_forms, client_forms):
        for form in vars(module).values():
            if isinstance(form, type) and issubclass(form, Form) and form is not order_forms.AnswerForm:
                fields |= form.base_fields
    return {name for name, field in fields.items() if isinstance(field.widget, Textarea)}


def test_what_visitors_typed_stands_in_a_text_mail_as_a_quotation():
    """Else a note with empty lines in it reads like words of the shop's."""
    names = texts_typed_by_visitors()
    assert {"delivery_note", "card_text", "reason"} <= names
    bare = []
    for path in sorted((settings.BASE_DIR / "templates" / "emails").glob("*.txt")):
        for shown in re.findall(r"\{\{ ([\w.|:\"]+) \}\}", path.read_text()):
            name = shown.partition("|")[0]
            is_quoted = shown.endswith("|quoted") or (path.name, name) in OWN_WORDS
            if name.rpartition(".")[2] in names and not is_quoted:
                bare.append(f"{path.name}: {shown}")
    assert bare == []
    assert quoted("ring twice\r\n\nOrder paid: open https://elsewhere.example") == (
        "> ring twice\n>\n> Order paid: open https://elsewhere.example"
    )


def send(to="mei@example.com", number="A7K3-92QM", language="en", message_key="order.paid:1"):
    mail.send("sample", to=[to], context={"number": number}, language=language, message_key=message_key)
    return outgoing.outbox[-1]


@pytest.mark.parametrize(
    ("language", "lang", "shop_name", "words"),
    [("en", "en", "Cloud Inkstone", "Order number"), ("zh-hant", "zh-Hant", "雲硯閣", "訂單編號")],
)
def test_a_mail_has_a_text_and_an_html_part_in_the_receivers_language(language, lang, shop_name, words):
    message = send(language=language)
    html = message.alternatives[0].content
    assert message.subject == f"{shop_name}: {words} A7K3-92QM"
    assert message.body.startswith(f"{words}: A7K3-92QM")
    assert f'lang="{lang}"' in html
    assert message.extra_headers["Content-Language"] == language


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_both_parts_name_the_shop_and_its_customer_service(settings, language):
    message = send(language=language)
    for part in (message.body, message.alternatives[0].content):
        for fact in ("雲硯閣", "Cloud Inkstone", settings.SITE_URL, settings.CUSTOMER_SERVICE_EMAIL):
            assert fact in part
    assert message.reply_to == [settings.CUSTOMER_SERVICE_EMAIL]


def test_styles_stand_on_the_elements_because_mail_programs_drop_style_sheets():
    html = send().alternatives[0].content
    assert '<p class="key" style="' in html
    assert "<style" not in html


def test_links_lead_to_the_shops_own_address_whatever_host_was_asked(settings):
    settings.SITE_URL = "https://shop.example"
    assert "https://shop.example" in send().alternatives[0].content


LINK = re.compile(r"\{\{ [\w.]*url \}\}|\{\{ [\w.]*link \}\}")


def test_nothing_stands_behind_a_link_of_a_text_mail():
    """Mail programs take a full stop along, 。 above all: the link would lead nowhere."""
    lines = [
        line
        for mail in (settings.BASE_DIR / "templates/emails").glob("*.txt")
        for line in mail.read_text().splitlines()
    ]
    links = [(line, match.end()) for line in lines for match in LINK.finditer(line)]
    assert len(links) > 25
    assert [line for line, end in links if re.sub("{%.*?%}", "", line[end:]).strip()] == []


def test_a_repeat_is_recognised_by_its_message_id():
    first, again, other = send(), send(), send(message_key="order.paid:2")
    ids = [message.extra_headers["Message-ID"] for message in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert "order.paid" not in ids[0]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_header_comes_in_through_the_subject(end):
    message = send(number=f"A7K3{end}Bcc: all@example.com")
    assert message.subject == "Cloud Inkstone: Order number A7K3 Bcc: all@example.com"
    assert message.message()["Bcc"] is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_no_header_comes_in_through_the_receiver(end):
    with pytest.raises(BadHeaderError):
        send(to=f"mei@example.com{end}Bcc: all@example.com")
    assert outgoing.outbox == []


def test_what_a_customer_typed_is_text_not_markup():
    assert "&lt;b&gt;" in send(number="<b>").alternatives[0].content


@pytest.mark.django_db
def test_nothing_is_sent_while_a_transaction_is_open():
    with transaction.atomic(), pytest.raises(OpenTransaction):
        send()
    assert outgoing.outbox == []


# --- what a mail server answers ---


class Refusing:
    """A mail server that answers as it is told, to the recipient or to the mail itself."""

    def __init__(self, *, rcpt="250 OK", data="250 OK"):
        self.rcpt, self.data = rcpt, data

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server, session, envelope):
        return self.data


@pytest.mark.parametrize(
    ("answers", "is_final", "reason"),
    [
        ({"rcpt": "550 5.1.1 no such mailbox"}, True, "mailbox unknown (550)"),
        ({"rcpt": "553 5.1.3 bad address"}, True, "mailbox unknown (553)"),
        ({"data": "554 5.7.1 refused"}, True, "mailbox unknown (554)"),
        ({"rcpt": "450 4.2.0 greylisted"}, False, "SMTPRecipientsRefused"),
        ({"rcpt": "452 4.2.2 mailbox full"}, False, "SMTPRecipientsRefused"),
        ({"data": "451 4.3.0 try later"}, False, "SMTPDataError"),
    ],
)
def test_a_refusal_for_good_ends_the_tries_and_a_passing_one_does_not(settings, answers, is_final, reason):
    port = free_ports(1)[0]
    server = Controller(Refusing(**answers), hostname="127.0.0.1", port=port)
    server.start()
    settings.EMAIL_BACKEND = "shop.background.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    try:
        with pytest.raises(GiveUp if is_final else Passing) as raised:
            mail.send(
                "sample",
                to=["zoe@example.com"],
                context={"number": "A7K3-92QM"},
                language="en",
                message_key="k",
                concerns="A7K3-92QM",
            )
    finally:
        server.stop()
    assert (raised.value.reason, raised.value.concerns) == (reason, "A7K3-92QM")
    assert "zoe" not in str(raised.value)


def test_every_mail_to_a_client_names_the_order_it_concerns():
    """Else nobody who could put its address right hears that it cannot be delivered."""
    calls = [
        (path, node)
        for app in ("checkout", "payments", "consulting")
        for path in (settings.BASE_DIR / app).rglob("*mails.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"send", "mail.send"}
    ]
    given = [(path, {each.arg: ast.unparse(each.value) for each in node.keywords}) for path, node in calls]
    to_clients = [
        (path, named) for path, named in given if named["to"].endswith(("order.email]", "[0].email]"))
    ]
    assert len(to_clients) > 15
    assert [path for path, named in to_clients if "concerns" not in named] == []


def test_a_server_that_is_away_passes(settings):
    settings.EMAIL_BACKEND = "shop.background.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_ports(1)[0]
    with pytest.raises(Passing, match="ConnectionRefusedError"):
        mail.send("sample", to=["z@example.com"], context={}, language="en", message_key="k")
