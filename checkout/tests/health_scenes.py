"""What checkout's checks of the money's health say, and the button that repairs a finding."""

from django.contrib.messages import get_messages

from checkout.health import forgetting, mails, promotions, stock

URL = "/en/admin/payments/payment/health/"
OURS = {"stock", "holds", "messages", "mails", "order-sums", "promo-uses", "forgetting"}


def ours():
    """Checkout's checks by name; that they are on the page as well is pinned in ``registrations.txt``."""
    parts = (stock, mails, promotions, forgetting)
    return {name: run() for part in parts for name, run in part.checks(None).items()}


def reds():
    return {check.name for check in ours().values() if check.state == "red"}


def repair(boss, name, key=None):
    """Press the button of the check's finding (its first without ``key``); the messages for the next page."""
    finding = next(finding for finding in ours()[name].findings if key in (None, finding.key))
    assert finding.repair
    response = boss.post(f"{URL}repair/", {"check": name, "finding": finding.key})
    assert response.status_code == 302
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
