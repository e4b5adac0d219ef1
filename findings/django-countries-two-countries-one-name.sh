#!/usr/bin/env bash
# django-countries 9.1.0: in three languages a list of countries shows the same name twice, for two countries.
#
# Expected: each country of the list has a name of its own, as in English, and as in Unicode's CLDR in these languages.
# Happens:  in Chinese (Traditional) Greenland is called Iceland and Martinique Mauritania; in Chinese (Simplified)
#           Samoa is called American Samoa; in Vietnamese Iceland is Ireland, Jersey is Austria and Niger is Nigeria.
#           Whoever chooses by the name has an even chance, and a label printed from the code names the other country.
# Seen:     zh-hant: 冰島 GL IS, 茅利塔尼亞 MQ MR; zh-hans: 美属萨摩亚群岛 AS WS; vi: Ai-len IS IE, Áo AT JE, Nigeria NE NG;
#           none in en, ja, ko, fr, de, es, id; Babel 2.18.0 has a name for each in all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-countries==9.1.0 babel==2.18.0
"$folder/venv/bin/python" - <<'PY'
import collections

import django
from babel import Locale
from django.conf import settings

settings.configure(INSTALLED_APPS=["django_countries"])
django.setup()

from django.utils.translation import override
from django_countries import countries

EXPECTED = {
    "zh-hant": [["GL", "IS"], ["MQ", "MR"]],
    "zh-hans": [["AS", "WS"]],
    "vi": [["AT", "JE"], ["IE", "IS"], ["NE", "NG"]],
}
for language in ["en", "zh-hant", "zh-hans", "ja", "ko", "vi", "id", "fr", "de", "es"]:
    codes = collections.defaultdict(list)
    with override(language):
        for code, name in countries:
            codes[str(name)].append(code)
    shared = {name: sorted(of) for name, of in codes.items() if len(of) > 1}
    print(language, shared)
    assert sorted(shared.values()) == EXPECTED.get(language, [])

    cldr = Locale.parse(language.replace("zh-hant", "zh_Hant").replace("zh-hans", "zh_Hans")).territories
    names = [cldr[code] for code in dict(countries)]
    assert len(names) == len(set(names)), language
PY
