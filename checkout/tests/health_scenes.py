from checkout.signals import money_checks

URL = "/en/admin/payments/payment/health/"


OURS = {"stock", "holds", "messages", "mails", "order-sums", "promo-uses"}


def ours():
    checks = [check for _receiver, part in money_checks.send(sender=None) for check in part]
    return {check.name: check for check in checks if check.name in OURS}


def reds():
    return {check.name for check in ours().values() if check.state == "red"}


def repair(boss, name):
    """Press the button of the check's first finding; what the next page says."""
    finding = ours()[name].findings[0]
    assert finding.repair
    posted = {"check": name, "finding": finding.key}
    answer = boss.post(f"{URL}repair/", posted, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])
