"""The audit trail is only added to, its chain finds what was done to it, and it holds no personal data."""

import io
import threading
from collections import Counter

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import InternalError, connection, transaction
from django.test import Client

from shop.admin import staff_groups
from shop.audit import chain, middleware, sign_ins, trail
from shop.audit.subjects import Subject
from shop.models import AuditEntry, AuditLink

BACKEND = "django.contrib.auth.backends.ModelBackend"


def write(number=5):
    for each in range(number):
        trail.record("look", Subject("checkout.order", str(each), "A7K3-92QM"), actor="lam")


def by_force(sql):
    """As somebody may who owns the database."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET session_replication_role = origin")


@pytest.mark.parametrize("table", ["shop_auditentry", "shop_auditlink"])
@pytest.mark.parametrize("change", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses_every_change(db, table, change):
    write()
    chain.link_new()
    with (
        pytest.raises(InternalError, match="only added to"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(table))
    assert AuditEntry.objects.count() == AuditLink.objects.count() == 5


TAMPERING = {
    "UPDATE shop_auditentry SET actor = 'wong' WHERE id = {third}": "entry {third} was changed",
    "UPDATE shop_auditentry SET at = now() - interval '1 s' WHERE id = {third}": "entry {third} was changed",
    "DELETE FROM shop_auditentry WHERE id = {third}": "entry {third} is missing",
    "DELETE FROM shop_auditlink WHERE entry_id = {third}": "are missing",
    "UPDATE shop_auditlink SET digest = 'x' WHERE entry_id = {third}": "entry {third} was changed",
    "DELETE FROM shop_auditentry WHERE id < {third}; DELETE FROM shop_auditlink WHERE entry_id < {third}":
        "links 1 to 2 are missing",
    "DELETE FROM shop_auditentry WHERE id <= {third}; DELETE FROM shop_auditlink WHERE entry_id < {third}":
        "younger than it is kept",
    "INSERT INTO shop_auditentry SELECT -7, now() - interval '2 hours', actor, session, network, request_id, "
    " deed, page, subject, subject_id, order_number, status, detail FROM shop_auditentry WHERE id = {third}":
        "entry -7 was added",
}  # fmt: skip


@pytest.mark.parametrize("sql", TAMPERING)
def test_whatever_was_done_to_the_trail_is_found(db, sql):
    write()
    chain.link_new()
    call_command("verify_audit_trail", stdout=io.StringIO())
    third = AuditLink.objects.get(number=3).entry_id
    by_force(sql.format(third=third))
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit_trail", stdout=said)
    assert TAMPERING[sql].format(third=third) in said.getvalue()


def test_a_chain_written_anew_does_not_end_as_the_log_says(db):
    write()
    told = chain.link_new().digest
    call_command("verify_audit_trail", digest=told, stdout=io.StringIO())
    by_force("UPDATE shop_auditentry SET actor = 'wong'; DELETE FROM shop_auditlink")
    chain.link_new()
    assert list(chain.problems()) == [], "by itself it looks well"
    assert ["no link has the digest" in problem for problem in chain.problems(digest=told)] == [True]


def test_forgetting_takes_the_beginning_and_the_rest_still_holds(db, settings):
    write(3)
    chain.link_new()
    long_ago = f"at - interval '{settings.KEEP_AUDIT_DAYS + 9} days'"
    by_force(f"UPDATE shop_auditentry SET at = {long_ago}; DELETE FROM shop_auditlink")
    write(2)
    chain.link_new()
    by_force(f"UPDATE shop_auditlink SET at = {long_ago} WHERE number <= 3")
    assert chain.overdue() == 3
    chain.forget()
    assert (AuditEntry.objects.count(), chain.overdue()) == (2, 0)
    assert list(AuditLink.objects.order_by("number").values_list("number", flat=True)) == [3, 4, 5]
    assert list(chain.problems()) == []
    chain.forget()
    write(1)
    chain.link_new()
    assert list(chain.problems()) == []


def test_many_at_once_and_two_that_link_give_one_whole_chain(transactional_db):
    """Entries of transactions that end in another order than they began, too."""
    begun, may_end = threading.Event(), threading.Event()

    def late():
        with transaction.atomic():
            trail.record("look", actor="late")
            begun.set()
            may_end.wait(10)
        connection.close()

    def many():
        write(20)
        connection.close()

    def link():
        for _ in range(10):
            chain.link_new()
        connection.close()

    slow = threading.Thread(target=late)
    slow.start()
    begun.wait(10)
    threads = [threading.Thread(target=each) for each in (many, many, many, link, link)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain.link_new()
    may_end.set()
    slow.join()
    chain.link_new()
    assert AuditLink.objects.count() == AuditEntry.objects.count() == 61
    assert list(chain.problems()) == []


# --- what is written ---


@pytest.fixture
def owner(db):
    browser = Client()
    browser.force_login(User.objects.create_superuser("owner"), BACKEND)
    return browser


def newest(**wanted):
    return AuditEntry.objects.filter(**wanted).order_by("-pk").first()


def test_a_search_is_told_without_its_words_and_found_by_them(owner):
    owner.get("/en/admin/checkout/order/", {"q": "Mei  CHAN"})
    entry = newest(deed="search")
    assert (entry.actor, entry.page) == ("owner", "admin:checkout_order_changelist")
    assert "mei" not in entry.detail.lower()
    assert "found 0" in entry.detail
    page = owner.get("/en/admin/shop/auditentry/", {"q": "mei chan"}).content.decode()
    assert "words that are not kept" in page
    assert (
        "words that are not kept"
        not in owner.get("/en/admin/shop/auditentry/", {"q": "wong"}).content.decode()
    )


def test_sign_ins_are_told_and_a_password_in_the_wrong_field_is_not(client, db):
    User.objects.create_user("lam", password="right-password-1", is_staff=True)
    url = "/en/admin/login/"
    client.post(url, {"username": "my secret password", "password": "lam"})
    client.post(url, {"username": "lam", "password": "wrong"})
    client.post(url, {"username": "lam", "password": "right-password-1"})
    client.post("/en/admin/logout/")
    told = AuditEntry.objects.exclude(deed="account").order_by("pk").values_list("deed", "actor")
    assert list(told) == [
        ("sign_in_failed", ""),
        ("sign_in_failed", "lam"),
        ("sign_in", "lam"),
        ("sign_out", "lam"),
    ]
    assert newest(deed="sign_in").network == "127.0.0.1"
    assert newest(deed="sign_out").session


def test_strangers_do_not_fill_the_trail(client, db):
    for each in range(40):
        client.post("/en/admin/login/", {"username": f"nobody-{each}", "password": "wrong"})
    assert AuditEntry.objects.filter(deed="sign_in_failed").count() == 30


def test_guesses_at_an_account_are_told_however_many_strangers_are_refused(rf, db):
    """Invented names from all over one network of IPv6, and another account's guesses, hide nothing."""
    User.objects.create_user("merchant", is_staff=True)
    User.objects.create_user("packer", is_staff=True)

    def guess(name, address):
        request = rf.post("/en/admin/login/", REMOTE_ADDR=address)
        token = trail.current_request.set(request)
        sign_ins.sign_in_failed({"username": name}, request)
        trail.current_request.reset(token)

    told = AuditEntry.objects.filter(deed="sign_in_failed")
    for each in range(40):
        guess(f"nobody-{each}", f"2001:db8::{each:x}")
    assert told.count() == 30, "of one network"
    for each in range(480):
        guess("nobody", f"2001:db8:1:{each:x}::1")
    assert told.count() == 500, "from everywhere"
    for each in range(40):
        guess("packer", f"2001:db8::{each:x}")
    for each in range(40):
        guess("merchant", f"2001:db8::{each:x}")
    guess("merchant", "203.0.113.7")
    assert Counter(told.values_list("actor", flat=True)) == {"": 500, "packer": 30, "merchant": 31}


def test_accounts_groups_and_permissions_are_told_however_they_change(owner):
    staff_groups.make_groups()
    lam = User.objects.create_user("lam", is_staff=True)
    lam.groups.add(Group.objects.get(name="merchant"))
    assert newest(deed="permissions").detail == "+ group merchant"
    lam.user_permissions.set([Permission.objects.get(codename="view_report")])
    assert newest(deed="permissions").detail == "+ permission view_report"
    Group.objects.get(name="merchant").permissions.remove(Permission.objects.get(codename="add_refund"))
    assert newest(deed="permissions").detail == "- permission add_refund"
    lam.delete()
    assert (newest(deed="account").detail, newest(deed="account").subject) == ("deleted", "auth.user")


def test_a_refusal_is_told(client, db):
    client.force_login(User.objects.create_user("packer", is_staff=True), BACKEND)
    assert client.get("/en/admin/shop/auditentry/").status_code == 403
    assert newest().deed == "denied"
    assert newest().page == "admin:shop_auditentry_changelist"


def test_a_row_that_is_tried_again_is_told(owner):
    owner.post("/en/admin/shop/outboxmessage/", {"action": "deliver_now", "_selected_action": ["17", "18"]})
    assert (newest(deed="retry").detail, newest(deed="retry").status) == (
        "action deliver_now, rows 17 18",
        302,
    )


@pytest.mark.parametrize(
    ("sent", "deed", "detail"),
    [
        ({"action": ["deliver_now", "unknown"], "index": "0"}, "retry", "action deliver_now, rows 17"),
        ({"action": ["unknown", "deliver_now"], "index": "0"}, "sent", "action unknown, rows 17"),
        ({"action": "deliver_now", "select_across": "1"}, "retry", "all rows that were found, rows 17"),
        ({"action": "deliver_now", "select_across": ["1", "0"]}, "retry", "action deliver_now, rows 17"),
        *[
            ({"action": "deliver_now", "select_across": no}, "retry", "action deliver_now, rows 17")
            for no in ("false", "False", "FALSE", "0", "")
        ],
        *[
            ({"action": "deliver_now", "_selected_action": spelt}, "retry", "action deliver_now, rows 17")
            for spelt in (" 17", "１７", "+17", "0" * 20 + "17", "1_7")
        ],
        ({"action": "deliver_now", "_save": "Save"}, "sent", "rows 17"),
    ],
)
def test_a_list_tells_the_action_that_is_carried_out(owner, sent, deed, detail):
    owner.post("/en/admin/shop/outboxmessage/", {"_selected_action": ["17"], **sent})
    entry = newest(page="admin:shop_outboxmessage_changelist")
    assert entry.deed == deed
    assert detail in entry.detail


def test_no_row_is_hidden_by_those_that_are_sent_or_shown_before_it(owner):
    """One entry has room for few: what is chosen, or listed with names and addresses, is told in several."""
    invented = [str(10**17 + number) for number in range(100)]
    owner.post(
        "/en/admin/shop/outboxmessage/", {"action": "deliver_now", "_selected_action": [*invented, "17"]}
    )
    told = "".join(AuditEntry.objects.filter(deed="retry").values_list("detail", flat=True))
    assert [each for each in [*invented, "17"] if f" {each}" not in told] == []
    User.objects.bulk_create(User(username=f"packer-{number}") for number in range(60))
    owner.get("/en/admin/auth/user/")
    told = " ".join(AuditEntry.objects.filter(deed="list").values_list("detail", flat=True)).split()
    assert {str(pk) for pk in User.objects.values_list("pk", flat=True)} <= set(told)


def test_the_entries_of_one_request_have_an_end_that_says_what_is_missing(owner):
    sent = [str(10**17 + number) for number in range(900)]
    owner.post("/en/admin/shop/outboxmessage/", {"action": "deliver_now", "_selected_action": sent})
    details = list(AuditEntry.objects.filter(deed="retry").order_by("pk").values_list("detail", flat=True))
    assert len(details) == middleware.MOST_ENTRIES
    told = [each for each in sent if any(f" {each}" in detail for detail in details)]
    assert len(told) > 200, "as many as a list shows"
    assert f"and {900 - len(told)} more rows" in details[-1]


def test_what_only_a_list_has_is_not_read_elsewhere(owner):
    User.objects.create_user("packer")
    page = f"/en/admin/auth/user/{User.objects.get(username='packer').pk}/change/"
    owner.post(page, {"select_across": "1", "_selected_action": ["17"]})
    assert newest(page="admin:auth_user_change").detail == ""


def test_an_action_of_one_list_names_no_deed_of_another(owner):
    owner.post("/en/admin/checkout/order/", {"action": "deliver_now", "_selected_action": ["17"]})
    assert newest(page="admin:checkout_order_changelist").deed == "sent"
