#!/usr/bin/env bash
# holidays 0.109: asked for two categories at once, Hong Kong has a holiday that neither category has.
#
# Expected: holidays.HK(categories=("public", "optional")) holds the days of both.
# Happens:  where 1 October is a Sunday, each category alone gives Monday 2 October for it, once as "National Day
#           (observed)" and once as "The day following National Day". Asked together, the second name moves on to
#           Tuesday, which is a working day. Of all countries with several categories only Hong Kong does so (2026-2029).
# Seen:     3 October 2028, 4 October 2033, 3 October 2034, 3 October 2045, 4 October 2050: in one call only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.109
"$folder/venv/bin/python" - <<'PY'
import holidays


def days(year, *categories):
    return dict(holidays.HK(years=year, categories=categories, language="en_HK"))


invented = []
for year in range(2026, 2051):
    apart = {**days(year, "public"), **days(year, "optional")}
    for day, name in sorted(days(year, "public", "optional").items()):
        if day not in apart:
            invented.append(day.isoformat())
            print(day, day.strftime("%A"), "in one call only:", name)
assert invented == ["2028-10-03", "2033-10-04", "2034-10-03", "2045-10-03", "2050-10-04"]

wanted = set()
for code in sorted(holidays.utils.list_supported_countries(include_aliases=False)):
    categories = getattr(holidays, code).supported_categories
    for year in range(2026, 2030):
        each = [set(holidays.country_holidays(code, years=year, categories=(one,))) for one in categories]
        if set(holidays.country_holidays(code, years=year, categories=categories)) != set().union(*each):
            wanted.add((code, year))
print("countries whose categories differ together and apart:", wanted)
assert wanted == {("HK", 2028)}
PY
