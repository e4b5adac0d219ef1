"""bandit and semgrep read the sources. What they find and we keep is explained here, line by line."""

import json
from collections import Counter
from pathlib import Path

import pytest

from shop.tests.harness.failures import APPS

pytestmark = pytest.mark.prove

RULES = Path(__file__).with_name("rules.yml")
BASE = Path(__file__).resolve().parents[3]

# (rule, file) -> how often, and why it is right.
BANDIT = {
    ("B308", "consulting/reports/rendering.py"): (1, "each part is escaped where it is put in"),
    ("B703", "consulting/reports/rendering.py"): (1, "the same line"),
    ("B308", "shop/web/form_renderer.py"): (2, "attributes and texts are escaped one by one: decision 70"),
    ("B703", "shop/web/form_renderer.py"): (2, "the same lines"),
    ("B303", "payments/sandbox/unionpay/pki.py"): (1, "UnionPay's own certificates are signed so"),
    ("B308", "shop/admin/sign_in/views.py"): (1, "segno's drawing: figures of its own, no text of anybody's"),
    ("B703", "shop/admin/sign_in/views.py"): (1, "the same line"),
    ("B608", "shop/keyring/rotation.py"): (1, "of quoted names only; values are parameters"),
}
SEMGREP = {
    ("html-from-parts", "consulting/reports/rendering.py"): (1, "as above"),
    ("html-from-parts", "shop/web/form_renderer.py"): (2, "as above"),
    ("html-from-parts", "shop/admin/sign_in/views.py"): (1, "as above"),
    ("sql-from-parts", "shop/migrations/0006_audit_trail.py"): (2, "names of the migration's own"),
    ("signature-for-ever", "shop/admin/sign_in/links.py"): (
        1,
        "it says when it was made, and is judged by that",
    ),
    ("signature-for-ever", "checkout/orders/mailed_link.py"): (1, "the text holds when it was mailed"),
    ("signature-for-ever", "checkout/quote.py"): (1, "what a page showed, compared with what holds now"),
    ("without-a-token", "payments/attempts/views.py"): (1, "UnionPay's page sends the browser back by POST"),
    ("without-a-token", "payments/webhooks/views.py"): (1, "gateways sign what they send"),
}


def compared(found, explained):
    """What is new, and what is explained but gone."""
    counted = Counter(found)
    expected = Counter({key: count for key, (count, _) in explained.items()})
    return {key: counted[key] for key in counted | expected if counted[key] != expected[key]}


def test_bandit_finds_nothing_that_is_not_explained(scanner):
    done = scanner("scanners", "bandit", "-q", "-r", *APPS, "manage.py", "-x", "*/tests/*", "-f", "json")
    report = json.loads(done.stdout)
    assert report["metrics"]["_totals"]["loc"] > 20_000
    assert report["errors"] == []
    found = [
        (each["test_id"], each["filename"].removeprefix("./"))
        for each in report["results"]
        if each["issue_severity"] != "LOW"
    ]
    assert compared(found, BANDIT) == {}


def test_semgrep_finds_nothing_that_is_not_explained(scanner):
    done = scanner(
        "semgrep", "semgrep", "scan", "--metrics=off", "--disable-version-check", "--quiet", "--json",
        "--config", str(RULES), "--exclude", "tests", "--exclude", "sandbox", *APPS, "templates", "static",
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert len(report["paths"]["scanned"]) > 400
    assert report["errors"] == []
    found = [(each["check_id"].rpartition(".")[2], each["path"]) for each in report["results"]]
    assert compared(found, SEMGREP) == {}


def test_semgrep_sees_what_the_rules_mean(scanner, tmp_path):
    """One bad line for each rule."""
    (tmp_path / "views.py").write_text(
        "import hmac, pickle, requests\n"
        "from django.core import signing\n"
        "from django.shortcuts import redirect\n"
        "from django.utils.safestring import mark_safe\n"
        "from django.views.decorators.csrf import csrf_exempt\n"
        "@csrf_exempt\n"
        "def view(request):\n"
        "    logger.info('%s', request.POST)\n"
        "    cursor.execute(f'SELECT {request}')\n"
        "    requests.get('https://elsewhere.example')\n"
        "    pickle.loads(request.body)\n"
        "    signing.loads('x')\n"
        "    if request.body == hmac.new(b'', b'', 'sha256').digest():\n"
        "        mark_safe(request)\n"
        "    return redirect(request.GET['next'])\n"
    )
    (tmp_path / "page.html").write_text("{{ name|safe }}")
    (tmp_path / "page.js").write_text("node.innerHTML = text;\n")
    done = scanner(
        "semgrep", "semgrep", "scan", "--metrics=off", "--disable-version-check", "--quiet", "--json",
        "--config", str(RULES), "--no-git-ignore", str(tmp_path),
    )  # fmt: skip
    found = {each["check_id"].rpartition(".")[2] for each in json.loads(done.stdout)["results"]}
    rules = {line.split()[-1] for line in RULES.read_text().splitlines() if line.startswith("  - id:")}
    assert rules - found == set()
