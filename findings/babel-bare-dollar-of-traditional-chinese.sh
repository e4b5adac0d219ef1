#!/usr/bin/env bash
# Babel 2.18.0: in "zh_Hant" a bare $ is Taiwan's dollar and a bare ¥ is the yen; in English and Simplified they are others.
#
# Expected: a Traditional Chinese locale without a country marks foreign money, and a price means the same in both scripts.
# Happens:  zh_Hant is Taiwan: NT$ loses its letters. ¥ is the yen there and the yuan in zh_Hans, so the same sign on
#           the two Chinese pages of one shop names two currencies. Hong Kong's dollar keeps its letters everywhere.
# Seen:     TWD 1280: "$1,280.00" in zh_Hant, "NT$1,280.00" in zh_Hant_HK, en and zh_Hans; the bare $ is USD in en.
#           JPY 1280: "¥1,280" in zh_Hant, "JP¥1,280" in zh_Hans; CNY: "CN¥1,280.00" in zh_Hant, "¥1,280.00" in zh_Hans.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Babel==2.18.0
"$folder/venv/bin/python" - <<'PY'
from babel.numbers import format_currency

seen = {
    locale: {code: format_currency(1280, code, locale=locale) for code in ("HKD", "TWD", "USD", "JPY", "CNY")}
    for locale in ("zh_Hant", "zh_Hant_HK", "zh_Hans", "en")
}
for locale, prices in seen.items():
    print(locale, prices)
assert seen["zh_Hant"]["TWD"] == seen["en"]["USD"] == "$1,280.00"
assert {seen[locale]["TWD"] for locale in ("zh_Hant_HK", "zh_Hans", "en")} == {"NT$1,280.00"}
assert seen["zh_Hant"]["JPY"] == "¥1,280" and seen["zh_Hans"]["JPY"] == "JP¥1,280"
assert seen["zh_Hans"]["CNY"] == "¥1,280.00" and seen["zh_Hant"]["CNY"] == "CN¥1,280.00"
assert {prices["HKD"] for prices in seen.values()} == {"HK$1,280.00"}
PY
