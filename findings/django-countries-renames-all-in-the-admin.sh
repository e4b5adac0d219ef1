#!/usr/bin/env bash
# django-countries 9.1.0 with Django 5.2.19: in Traditional Chinese every filter of the admin offers "all countries".
#
# Expected: an app's translations concern its own texts.
# Happens:  django-countries' Traditional Chinese catalogue translates the bare word "All" as 全部國家 (all countries).
#           Django merges catalogues by message: listed above django.contrib.admin, as apps of a site usually are, it
#           wins, and "All" of every list filter (by status, by date, by person) reads "all countries".
# Seen:     admin alone 全部; django_countries after admin 全部; django_countries before admin 全部國家. German is untouched.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19 django-countries==9.1.0
cat > "$folder/all.py" <<'PY'
import sys

import django
from django.conf import settings
from django.utils import translation

settings.configure(INSTALLED_APPS=sys.argv[1:], USE_I18N=True)
django.setup()
with translation.override("zh-hant"):
    print(translation.gettext("All"))
PY
admin="django.contrib.admin django.contrib.auth django.contrib.contenttypes"
alone=$("$folder/venv/bin/python" "$folder/all.py" $admin)
after=$("$folder/venv/bin/python" "$folder/all.py" $admin django_countries)
before=$("$folder/venv/bin/python" "$folder/all.py" django_countries $admin)
echo "admin alone: $alone; django_countries after it: $after; before it: $before"
[ "$alone" = 全部 ] && [ "$after" = 全部 ] && [ "$before" = 全部國家 ]
