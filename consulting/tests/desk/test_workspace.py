import datetime as dt

import pytest
from django.urls import reverse
from django.utils import translation

from consulting import key_format
from consulting.models import AccessLog, Case, Report
from consulting.reports import services as reports
from consulting.tests import scenes
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
CANARIES = [scenes.ANSWER.partition(" ")[0], scenes.CONTACT, scenes.TEXT, scenes.TITLE]


def url(case, name: str = "case", *args) -> str:
    return reverse(f"consulting:{name}", args=[case.pk, *args])


def write(
    client, case, action: str = "save", *, text: str = "one", title: str = "A", seen: str = "", note: str = ""
):
    typed = {"title": title, "body": text, "seen": seen, "action": action, "language": "en"}
    return client.post(url(case), typed | ({"note": note} if note else {}))


def every_page(case):
    return [reverse("consulting:cases"), url(case), url(case, "publish"), url(case, "version", 1)]


# --- who may come in ---


def test_strangers_are_asked_to_sign_in(client, case):
    for address in every_page(case):
        response = client.get(address)
        assert response.status_code == 302
        assert response.url.startswith(reverse("admin:login"))


@pytest.mark.parametrize("permissions", [(), ("view_case",), ("change_report",)])
def test_other_staff_are_refused(client, case, permissions):
    client.force_login(scenes.staff("packer", *permissions), backend=BACKEND)
    for address in every_page(case):
        assert client.get(address).status_code == 403
    for name in ("take", "publish", "case"):
        assert client.post(url(case, name)).status_code == 403
    assert client.post(reverse("consulting:open_with_key")).status_code == 403


def test_a_customer_with_the_permission_but_not_staff_is_refused(client, case, consultant):
    consultant.is_staff = False
    consultant.save()
    client.force_login(consultant, backend=BACKEND)
    assert client.get(reverse("consulting:cases")).status_code == 403


@pytest.mark.parametrize("who", ["colleague", "merchant", "superuser"])
def test_who_is_not_the_cases_consultant_sees_what_it_is_about_and_no_more(
    client, case, consultant, who, request
):
    scenes.published(case, consultant)
    client.force_login(request.getfixturevalue(who), backend=BACKEND)
    page = client.get(url(case)).content.decode()
    assert str(case) in page
    assert not any(canary in page for canary in CANARIES)
    assert client.get(url(case, "version", 1)).status_code == 403
    assert client.get(url(case, "publish")).status_code == 403
    assert client.post(url(case, "publish"), {"seen": "1.1"}).status_code == 403
    assert write(client, case).status_code == 403
    assert not AccessLog.objects.filter(what="answers").exists()


def test_a_merchant_cannot_turn_into_a_consultant(client, case, merchant, key):
    client.force_login(merchant, backend=BACKEND)
    assert client.post(url(case, "take")).status_code == 403
    assert client.post(reverse("consulting:open_with_key"), {"order_key": key}).status_code == 403
    admin = client.get(reverse("admin:consulting_case_change", args=[case.pk])).content.decode()
    assert f'<option value="{merchant.pk}"' not in admin
    page = client.get(url(case)).content.decode()
    assert "Take this case" not in page


def test_the_answers_are_not_even_decrypted_for_others(
    client, case, colleague, django_assert_max_num_queries
):
    client.force_login(colleague, backend=BACKEND)
    with django_assert_max_num_queries(20) as queries:
        client.get(url(case))
    assert not any("checkout_intake" in query["sql"] for query in queries)


# --- working on a case ---


def test_taking_a_case_shows_its_answers(workspace, case, consultant):
    assert str(case) in workspace.get(reverse("consulting:cases"), {"show": "unassigned"}).content.decode()
    workspace.post(url(case, "take"))
    page = workspace.get(url(case)).content.decode()
    assert scenes.CONTACT in page
    assert "canary-answer-5521 &lt;b&gt;bold&lt;/b&gt; 1" in page
    assert "&lt;/b&gt; 2" not in page  # the other subject
    assert str(case) in workspace.get(reverse("consulting:cases")).content.decode()
    assert AccessLog.objects.filter(what="answers", who=consultant.username).count() == 1


def test_a_case_that_is_taken_cannot_be_taken_away(workspace, case, colleague):
    reports.assign(case, colleague)
    response = workspace.post(url(case, "take"), follow=True)
    assert "Another consultant has taken this case" in response.content.decode()
    case.refresh_from_db()
    assert case.consultant == colleague


@pytest.fixture
def mine(workspace, case, consultant):
    return reports.assign(case, consultant)


def test_from_the_draft_to_the_published_report(workspace, mine):
    assert write(workspace, mine).status_code == 302
    response = write(workspace, mine, "publish", text="## final", seen="1.1")
    assert response.url == url(mine, "publish")
    page = workspace.get(response.url).content.decode()
    assert "<h3" in page or "<h2" in page
    response = workspace.post(response.url, {"seen": "1.2"}, follow=True)
    assert "The report is published" in response.content.decode()
    mine.refresh_from_db()
    assert mine.state == "ready"


def test_a_double_click_publishes_once(workspace, mine):
    write(workspace, mine)
    for _ in range(3):
        assert workspace.post(url(mine, "publish"), {"seen": "1.1"}).status_code == 302
    assert Report.objects.count() == 1
    assert OutboxMessage.objects.filter(topic="report.published").count() == 1


def test_publishing_takes_the_button_not_the_address(workspace, mine):
    write(workspace, mine)
    workspace.get(url(mine, "publish"))
    assert not Report.objects.filter(published_at__isnull=False).exists()


def test_a_draft_changed_behind_the_confirmation_is_not_published(workspace, mine):
    write(workspace, mine)
    write(workspace, mine, text="changed", seen="1.1")
    response = workspace.post(url(mine, "publish"), {"seen": "1.1"}, follow=True)
    assert "has changed since you saw it" in response.content.decode()
    assert not Report.objects.filter(published_at__isnull=False).exists()


def test_what_is_typed_becomes_the_draft_by_itself(workspace, mine):
    assert write(workspace, mine, "autosave", text="", title="").json() == {"told": ""}
    assert not Report.objects.exists()
    half = write(workspace, mine, "autosave", text="half a line", title="").json()
    assert half["seen"] == "1.1"
    assert half["told"].startswith("The draft was saved at")
    assert "half a line" in workspace.get(url(mine)).content.decode()
    more = write(workspace, mine, "autosave", text="half a line, and more", title="", seen="1.1").json()
    assert more["seen"] == "1.2"
    other_tab = write(workspace, mine, "autosave", text="from the other tab", seen="1.1")
    assert (other_tab.status_code, other_tab.json().get("seen")) == (409, None)
    assert "saved elsewhere" in other_tab.json()["told"]
    assert write(workspace, mine, text="the end", seen="1.2").status_code == 302
    too_long = write(workspace, mine, "autosave", text="x" * 100_001, seen="1.3")
    assert (too_long.status_code, "100000" in too_long.json()["told"]) == (422, True)
    workspace.logout()
    late = write(workspace, mine, "autosave", text="too late", seen="1.3")
    assert late.status_code == 403
    assert "too late" in late.content.decode()


def test_nothing_typed_is_lost_when_the_title_is_missing(workspace, mine):
    page = write(workspace, mine, title="", text="a long report").content.decode()
    assert "a long report" in page
    assert not Report.objects.exists()


def test_two_tabs_do_not_overwrite_each_other(workspace, mine):
    write(workspace, mine, text="from the first tab")
    response = write(workspace, mine, text="from the second tab")
    page = response.content.decode()
    assert response.status_code == 200
    assert "from the first tab" in page
    assert "from the second tab" in page
    assert 'value="1.1"' in page
    assert write(workspace, mine, text="from the second tab", seen="1.1").status_code == 302


def test_the_preview_is_rendered_and_not_saved(workspace, mine):
    page = write(workspace, mine, "preview", text="**bold** <script>x</script>").content.decode()
    assert "<strong>bold</strong>" in page
    assert "<script>x" not in page
    assert not Report.objects.exists()


def test_preview_and_publish_page_point_at_what_the_client_will_not_see(workspace, mine):
    text = "　　床架 150*190*45 厘米\n##標題\n　　**重點**"
    told = {
        "en": [
            "Line 3: these signs will not be shown: **",
            "Line 2: no markup here, shown as typed: ##",
        ],
        "zh-hant": ["第3行：以下符號不會顯示：**", "第2行：並非標記，會照原樣顯示：##"],
    }
    write(workspace, mine, text=text)
    for language, notes in told.items():
        with translation.override(language):
            pages = [write(workspace, mine, "preview", text=text), workspace.get(url(mine, "publish"))]
        for page in (shown.content.decode() for shown in pages):
            assert [note for note in notes if note not in page] == []
            assert "<p>　　床架 150*190*45 厘米<br>" in page


def test_a_text_of_blanks_is_none(workspace, mine):
    page = write(workspace, mine, text=" \n　").content.decode()
    assert "This field is required" in page
    assert not Report.objects.exists()


def test_a_correction_becomes_the_next_version(workspace, mine, consultant):
    scenes.published(mine, consultant)
    page = workspace.get(url(mine)).content.decode()
    assert "Write a corrected version" in page
    assert scenes.TEXT in page
    write(workspace, mine, "publish", text="corrected", seen="1.1", note="A figure was wrong.")
    workspace.post(url(mine, "publish"), {"seen": "2.1"})
    mine.refresh_from_db()
    assert mine.state == "updated"
    assert "corrected" in workspace.get(url(mine, "version", 2)).content.decode()
    assert scenes.TEXT in workspace.get(url(mine, "version", 1)).content.decode()


def test_publishing_without_a_draft_leads_back_to_the_case(workspace, mine):
    assert workspace.get(url(mine, "publish")).url == url(mine)
    assert workspace.post(url(mine, "publish"), {"seen": ""}).url == url(mine)
    assert not Report.objects.exists()


def test_publishing_into_a_closed_order_is_refused(workspace, mine, order):
    write(workspace, mine)
    order.keys.update(state="revoked")
    page = workspace.post(url(mine, "publish"), {"seen": "1.1"}, follow=True).content.decode()
    assert "nothing was published" in page


def test_overdue_cases_are_marked(workspace, mine):
    Case.objects.update(due_on=clock.today() - dt.timedelta(days=1))
    assert "Overdue" in workspace.get(reverse("consulting:cases")).content.decode()


@pytest.mark.parametrize("order", ["", "\0", "A7K3-92QM", "' OR 1=1"])
def test_an_order_that_is_not_there_has_no_cases(workspace, order):
    assert workspace.get(reverse("consulting:cases"), {"order": order}).status_code == 200


@pytest.mark.parametrize("show", ["mine", "unassigned", "open", "published", "nonsense", "' OR 1=1"])
def test_every_list_has_a_page(workspace, mine, show):
    assert workspace.get(reverse("consulting:cases"), {"show": show, "page": "x"}).status_code == 200


# --- the key that was read out ---


def open_with(client, key: str):
    return client.post(reverse("consulting:open_with_key"), {"order_key": key})


def test_a_key_read_out_opens_the_orders_cases_for_a_day(
    workspace, case, consultant, colleague, order, key, monkeypatch
):
    scenes.published(case, colleague)
    response = open_with(workspace, key)
    assert response.url == f"{reverse('consulting:cases')}?order={order.number}"
    assert str(case) in workspace.get(response.url).content.decode()
    page = workspace.get(url(case)).content.decode()
    assert scenes.CONTACT in page
    assert write(workspace, case).status_code == 403
    assert workspace.get(url(case, "version", 1)).status_code == 200
    later = clock.now() + dt.timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert scenes.CONTACT not in workspace.get(url(case)).content.decode()


def test_what_a_key_opened_to_a_consultant_ends_with_the_key(workspace, case, order, key):
    open_with(workspace, key)
    assert scenes.CONTACT in workspace.get(url(case)).content.decode()
    order.keys.update(state="revoked")
    assert scenes.CONTACT not in workspace.get(url(case)).content.decode()


def test_a_key_read_out_opens_nothing_to_a_colleague(workspace, client, case, key, colleague):
    open_with(workspace, key)
    client.force_login(colleague, backend=BACKEND)
    assert scenes.CONTACT not in client.get(url(case)).content.decode()


def test_wrong_keys_of_consultants_are_limited_too(workspace, order, key):
    for _ in range(10):
        assert open_with(workspace, key_format.grouped(key_format.make())).status_code == 200
    assert open_with(workspace, key).status_code == 429


def test_a_misheard_key_is_told_and_not_counted(workspace, order):
    for _ in range(11):
        assert "typing error" in open_with(workspace, "AAAA-BBBC").content.decode()


# --- the merchant's admin ---


def test_the_admin_assigns_cases_and_shows_no_secret(client, case, merchant, consultant, key):
    scenes.published(case, consultant)
    client.force_login(merchant, backend=BACKEND)
    assigned = reverse("admin:consulting_case_change", args=[case.pk])
    pages = [
        assigned,
        reverse("admin:consulting_case_changelist"),
        reverse("admin:consulting_orderkey_changelist"),
        reverse("admin:consulting_orderkey_change", args=[case.order.keys.get().pk]),
        reverse("admin:consulting_accesslog_changelist"),
    ]
    for address in pages:
        page = client.get(address).content.decode()
        assert key not in page
        assert not any(canary in page for canary in CANARIES)
    client.post(assigned, {"consultant": "", "due_on": "2027-01-05"})
    case.refresh_from_db()
    assert (case.consultant, case.due_on, case.state) == (None, dt.date(2027, 1, 5), "ready")
    client.post(assigned, {"consultant": consultant.pk, "due_on": "2027-01-05"})
    case.refresh_from_db()
    assert case.consultant == consultant


def test_the_admin_neither_adds_nor_deletes(client, case, merchant, order):
    client.force_login(merchant, backend=BACKEND)
    for model in ("case", "orderkey", "accesslog"):
        assert client.get(reverse(f"admin:consulting_{model}_add")).status_code == 403
    assert client.get(reverse("admin:consulting_case_delete", args=[case.pk])).status_code == 403


def test_reports_are_not_in_the_admin():
    from django.contrib import admin

    assert Report not in admin.site._registry
