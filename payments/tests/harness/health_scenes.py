"""How tests look at the money's health and press the buttons of its page."""

import re
from dataclasses import dataclass

from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client

from payments.health import report

KEY = '[^"]+'
URL = "/en/admin/payments/payment/health/"


def state(name):
    return _result(name).state


def reds():
    return {check.name for check in report.checks() if check.state == "red"}


def findings(name):
    return _result(name).findings


def _result(name):
    (check,) = report.checks(name)
    return check


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@dataclass
class Board:
    """The page, in a merchant's browser."""

    client: Client

    def text(self):
        page = self.client.get(URL)
        assert page.status_code == 200
        return re.sub(r"\s+", " ", page.content.decode())

    def press(self, name, key=None):
        """The button of a check's finding (the first one); the messages for the next page."""
        page = self.text()
        form = re.search(
            rf'name="check" value="{name}"> <input type="hidden" name="finding" value="({key or KEY})"', page
        )
        assert form, f"no button for {name}"
        return self.post(name, form[1])

    def post(self, name, key):
        answer = self.client.post(f"{URL}repair/", {"check": name, "finding": key})
        assert answer.status_code == 302
        assert answer.url.startswith(URL)
        return " ".join(str(message) for message in get_messages(answer.wsgi_request))
