"""Staff find what they search for however it is typed, in every list that has it."""

import pytest
from django.contrib import admin
from django.urls import reverse

from catalog.models import Product
from checkout.admin.search import order_number
from checkout.models import Order
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place
from shop import clock
from shop.admin.search import TolerantSearch
from shop.tests.harness.failures import APPS

pytestmark = pytest.mark.django_db

# One of 31 numbers of Hong Kong that are an order number as well, by their check symbol.
PHONE = "+85291230025"
SPELLINGS = [
    "91230025", "9123 0025", "9123-0025", "９１２３００２５", "９１２３－００２５", "9123–0025",
    "+852 9123 0025", "852 91230025", "0085291230025", "(852) 9123.0025", "電話：9123 0025", "9123 0025轉12",
    "9123 0025 (WhatsApp)", "whatsapp 91230025 陳小姐",
    "mei@bücher.example", "Mei＠Bücher.example", "RB 123 456 785 HK", "rb123456785hk", "ＲＢ123456785ＨＫ",
]  # fmt: skip


@pytest.fixture
def order():
    placed = place(make_cart((make_goods(on_hand=9), 1)), phone=PHONE, email="mei@xn--bcher-kva.example")
    placed = pay(placed)
    line = placed.lines.get()
    fulfilment.ship(
        placed.pk,
        carrier="hkpost",
        tracking_number="RB 123 456 785 HK",
        quantities={line.pk: 1},
        actor="wong",
    )
    return placed


def found(boss, model, text):
    page = boss.get(reverse(f"admin:{model}_changelist"), {"q": text})
    return [row.pk for row in page.context["cl"].result_list]


def test_an_order_is_found_by_what_a_client_may_say(boss, order):
    other = pay(place(make_cart((make_goods("TEA-902"), 1)), email="other@example.com", phone="+85298765432"))
    number = order.number
    for text in [*SPELLINGS, number, number.lower().replace("-", ""), f"訂單編號：{number}", "Mei Chan"]:
        rows = found(boss, "checkout_order", text)
        assert order.pk in rows, text
        assert text == "Mei Chan" or other.pk not in rows, text
    for text in ("nothing", "12", "@", "\0", "RB"):
        found(boss, "checkout_order", text)


def test_a_name_is_found_in_either_script(boss):
    """Hong Kong's 衞 and blanks between characters too; what is no name is taken as it stands."""
    goods = make_goods(on_hand=99)
    names = {
        "陳美儀": ["陈美仪", "陳美儀", "陈 美仪", "陳美仪", "陈"],
        "钟卫强": ["鍾衛強", "鐘衞强", "钟卫强"],
        "葉 羣 Amy": ["叶群", "叶羣 amy", "葉群", "Amy 叶"],
        "范冰": ["范冰", "範冰"],
        "O'Neil(王)": ["O'Neil(王)", "王"],
    }
    orders = {
        name: pay(place(make_cart((goods, 1)), recipient=name, email=f"{number}@example.com")).pk
        for number, name in enumerate(names)
    }
    for name, spellings in names.items():
        for typed in spellings:
            assert found(boss, "checkout_order", typed) == [orders[name]], typed
    for typed in ("陈美玲", "範氷?", "[陳]", "陈.仪", "(陈"):
        assert found(boss, "checkout_order", typed) == [], typed


def test_what_is_too_much_for_a_name_is_not_looked_for_in_every_spelling(boss, rf):
    """Each word costs a look at every column of every order: eleven outlast the database's patience."""
    compared = {}
    for typed in ("Chan Tai Man", "陳大文", " ".join("陳大文李王張林"), "e" * 41):
        found, _may_repeat = admin.site._registry[Order].get_search_results(
            rf.get("/"), Order.objects.all(), typed
        )
        compared[typed] = "~*" in str(found.query) or "REGEXP" in str(found.query)
    assert list(compared.values()) == [True, True, False, False]


def test_a_pasted_text_costs_no_more_than_some_words(boss, order):
    page = boss.get(reverse("admin:checkout_order_changelist"), {"q": "Mei " * 3000})
    assert [row.pk for row in page.context["cl"].result_list] == [order.pk]
    assert len(str(page.context["cl"].queryset.query)) < 100_000


def test_an_order_is_found_by_whatever_its_client_says_of_it(boss):
    """Surname first, an honorific, another apostrophe, the street, what was bought, what was paid."""
    goods = make_goods("TEA-903")
    Product.objects.update(name_en="Celadon cups")
    wanted = pay(place(make_cart((goods, 2)), recipient="Siobhán O’Brien", email="so@example.com"))
    address = {"line1": "Flat 12A, 88 Harbour Walk", "line2": "彌敦商場"}
    Order.objects.update(address=wanted.address | address, total=566)
    chan = pay(place(make_cart((make_goods("TEA-904"), 1)), recipient="陳大文", email="c@example.com"))
    for number, each in enumerate((wanted, chan)):  # drawn ones may hold MR, or 566
        Order.objects.filter(pk=each.pk).update(number=f"ZZZZ-ZZZ{number}")
    for typed in (
        "O'Brien, Siobhan", "o’brien siobhán", "OʼBRIEN", "Miss O'Brien", "Harbour Walk", "88 harbour",
        "弥敦商场", "celadon", "TEA-903", "HK$566.00", "566", '"Siobhan"', "Siobhan O'Brien <so@example.com>",
    ):  # fmt: skip
        assert found(boss, "checkout_order", typed) == [wanted.pk], typed
    for typed in ("陳先生", "陈小姐", "Mr. 陳", "陳大文 收", "陳太"):
        assert found(boss, "checkout_order", typed) == [chan.pk], typed
    for typed in ("O'Brian", "565", "先生", "Mr"):
        assert wanted.pk not in found(boss, "checkout_order", typed), typed


def test_a_payment_is_found_by_whose_it_is(boss):
    order = pay(
        place(make_cart((make_goods("TEA-905"), 1)), recipient="Lee May-Ling", email="ml@example.com")
    )
    payment = LISTS["payments_payment"][0].objects.create(
        order=order, method="paypal", started_at=clock.now(), amount=1, currency="HKD"
    )
    for typed in ("Lee, May-Ling", "ML@Example.com"):
        assert found(boss, "payments_payment", typed) == [payment.pk], typed


def test_an_order_key_is_found_by_its_clients_mailbox(boss):
    order = pay(place(make_cart((make_service(), 1)), email="ml@example.com"))
    for typed in ("ML@Example.com", "Lee <ml@example.com>"):
        assert found(boss, "consulting_orderkey", typed) == [order.keys.get().pk], typed


def test_a_reading_adds_to_what_was_typed(boss, order):
    """91230025 is a telephone number, and might have been an order's: both are looked for."""
    Order.objects.filter(pk=order.pk).update(phone="")
    [as_number] = order_number("91230025")
    Order.objects.filter(pk=order.pk).update(number=as_number)
    caller = pay(place(make_cart((make_goods("TEA-902"), 1)), phone=PHONE))
    assert set(found(boss, "checkout_order", "91230025")) == {order.pk, caller.pk}


LISTS = {
    f"{model._meta.app_label}_{model._meta.model_name}": (model, page)
    for model, page in admin.site._registry.items()
    if model.__module__.split(".")[0] in APPS
}


def rows_with_its_number(order) -> dict[str, int]:
    """List -> a row of it that shows the order's number. Case, key and mails came with the payment."""

    def made(name, **values):
        return LISTS[name][0].objects.create(**values)

    money = {"amount": 1, "currency": "HKD"}
    payment = made("payments_payment", order=order, method="paypal", started_at=clock.now(), **money)
    booked = {"payment": payment, "gateway": "paypal", "kind": "capture", "reference": "R", "at": clock.now()}
    notice = f"mail.new_order:{order.number}"
    rows = {
        "checkout_order": order,
        "checkout_stockmovement": order.stock_movements.first(),
        "consulting_case": LISTS["consulting_case"][0].objects.get(line__order=order),
        "consulting_orderkey": order.keys.get(),
        "consulting_accesslog": made("consulting_accesslog", order=order, what="copy", at=clock.now()),
        "payments_payment": payment,
        "payments_ledgerentry": made("payments_ledgerentry", **booked, **money),
        "payments_refund": made("payments_refund", payment=payment, amount=1, started_at=clock.now()),
        "shop_outboxmessage": LISTS["shop_outboxmessage"][0].objects.get(key=notice),
    }
    return {name: row.pk for name, row in rows.items()}


def test_every_list_that_has_order_numbers_finds_them_in_any_spelling(boss):
    order = pay(place(make_cart((make_goods(on_hand=9), 1), (make_service(), 1))))
    rows = rows_with_its_number(order)
    assert set(rows) == {
        name
        for name, (_model, page) in LISTS.items()
        if any(
            field.endswith(("order__number", "concerns")) or field == "number" for field in page.search_fields
        )
    }
    bare = order.number.replace("-", "")
    wide = bare.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    dashed = order.number.replace("-", "–")
    for name, pk in rows.items():
        for text in (
            order.number,
            bare.lower(),
            wide,
            dashed,
            f"#{bare}",
            f"訂單 {bare}",
            f"訂單編號：{bare}",
        ):
            assert pk in found(boss, name, text), (name, text)


def test_codes_of_products_are_found_with_any_dash(boss):
    variant = make_goods("TEA-900")
    for text in ("TEA-900", "tea–900", "ＴＥＡ－９００", "TEA‑900"):
        assert found(boss, "catalog_product", text) == [variant.product_id], text


def test_every_list_with_a_search_is_tolerant():
    bare = [
        model.__name__
        for model, page in admin.site._registry.items()
        if model.__module__.split(".")[0] in APPS
        and page.search_fields
        and not isinstance(page, TolerantSearch)
    ]
    assert bare == []
