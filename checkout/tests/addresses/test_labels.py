"""Addresses as orders keep them and labels as they are printed, compared with the files in ``golden/``.

To write those files anew after an intended change:
``UPDATE_GOLDEN=1 pytest checkout/tests/addresses/test_labels.py``; then read the
difference before committing it.
"""

import json
import os
from pathlib import Path

import pytest
from django.utils.translation import override

from cart.cart import Cart
from checkout.addresses import formats
from checkout.addresses.forms import ShippingForm
from checkout.tests.scenes import make_cart, make_goods

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden"
ZH, EN = {"recipient": "𠮷田・陳大文"}, {"recipient": "Seán O’Brien-Chan"}
CASES = {
    "HK.zh": ZH
    | {"phone": "２５６７ １２３４", "area": "香港島", "city": "東區", "line1": "鰂魚涌英皇道1000號"}
    | {"line2": "太古坊12樓A室"},
    "HK.en": EN
    | {"phone": "+852 9123 4567", "area": "Kowloon", "city": "Yau Tsim Mong", "line1": "1 Nathan Road"}
    | {"line2": "Flat A, 12/F, Rose House"},
    "MO.zh": ZH
    | {"phone": "6612 3456", "city": "嘉模堂區", "line1": "氹仔地堡街12號", "line2": "泉福新邨3樓B"},
    "MO.en": EN
    | {"phone": "+853 6612 3456", "city": "São Lourenço", "line1": "12 Rua da Praia", "line2": "3/F, Flat B"},
    "TW.zh": ZH
    | {
        "phone": "0912-345-678",
        "area": "台北市",
        "city": "大安區",
        "line1": "和平東路二段106號",
        "line2": "11樓",
    },
    "TW.en": EN
    | {"phone": "+886 2 2737 7992", "area": "Taipei City", "city": "Da'an District", "postcode": "106214"}
    | {"line1": "No. 106, Sec. 2, Heping E. Rd.", "line2": "11F"},
    "CN.zh": ZH
    | {
        "phone": "138 0013 8000",
        "area": "廣東省",
        "city": "深圳市",
        "district": "南山區",
        "postcode": "518057",
    }
    | {"line1": "科技園路1號", "line2": "A座8樓"},
    "CN.en": EN
    | {"phone": "+86 10 6559 2000", "area": "Beijing", "district": "Chaoyang District", "postcode": "100020"}
    | {"line1": "16 Jianguomenwai Avenue", "line2": "Tower 2, Room 1203"},
    "GB.zh": ZH | {"phone": "020 7946 0018", "city": "倫敦", "line1": "唐寧街10號", "postcode": "sw1a 2aa"},
    "GB.en": EN
    | {"phone": "+44 20 7946 0018", "city": "London", "line1": "10 Downing Street", "line2": "Flat 2"}
    | {"postcode": "SW1A 2AA"},
    "US.zh": ZH
    | {
        "phone": "(415) 555-2671",
        "area": "California",
        "city": "三藩市",
        "line1": "企李街800號",
        "postcode": "94108",
    },
    "US.en": EN
    | {"phone": "+1 415 555 2671", "area": "CA", "city": "San Francisco", "line1": "800 Clay Street"}
    | {"line2": "Apt 4B", "postcode": "94108-1234"},
    "JP.zh": ZH
    | {
        "phone": "03-3213-1111",
        "area": "東京都",
        "line1": "千代田区丸の内1-9-1",
        "postcode": "１００－０００５",
    },
    "JP.en": EN
    | {
        "phone": "+81 3 3213 1111",
        "area": "Tokyo",
        "line1": "1-9-1 Marunouchi, Chiyoda-ku",
        "postcode": "100-0005",
    },
    "locker.zh": ZH | {"phone": "91234567", "method": "hk-locker", "locker": "h852fg83p"},
    "locker.en": EN | {"phone": "91234567", "method": "hk-locker", "locker": "H852FG83P"},
}


def written(name: str, cart: Cart) -> str:
    """What becomes of the typed address of this case."""
    region = name.partition(".")[0].replace("locker", "HK")
    form = ShippingForm({"region": region, **CASES[name]}, cart=cart)
    assert form.is_valid(), form.errors.as_text()
    delivery = form.delivery()
    label = formats.label(
        recipient=delivery["recipient"], region=delivery["region"], address=delivery["address"]
    )
    assert form.preview == label
    address = json.dumps(delivery["address"], ensure_ascii=False, indent=2, sort_keys=True)
    return f"{address}\n\n" + "\n".join([*label, delivery["phone"]]) + "\n"


@pytest.mark.parametrize("reader", ["en", "zh-hant"])
def test_an_address_is_kept_and_printed_as_agreed_whoever_reads_it(reader):
    cart = make_cart((make_goods(), 1))
    with override(reader):
        now = {name: written(name, cart) for name in CASES}
    files = {name: GOLDEN / f"{name}.txt" for name in CASES}
    if os.environ.get("UPDATE_GOLDEN"):
        for name, text in now.items():
            files[name].write_text(text)
    assert now == {name: file.read_text() for name, file in files.items()}


def test_every_golden_file_is_compared():
    assert {file.stem for file in GOLDEN.iterdir()} == set(CASES)
