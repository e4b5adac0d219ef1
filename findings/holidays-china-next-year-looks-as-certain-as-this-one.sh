#!/usr/bin/env bash
# holidays 0.109: China's next year is a guess, and nothing in the answer says so.
#
# Expected: working Saturdays and Sundays, by which mainland China pays for its long holidays, are either known for a year or
#           the library says that the State Council's notice (published each November) is not in it yet.
# Happens:  for a year without the notice the answer has the statutory days only, in the same form and without a
#           warning: no bridge days, no working weekends. A date counted across a long holiday may be days off.
# Seen:     2026: 22 holidays, 6 working weekend days; 2027: 19 and 0; 2028: 15 and 0; no warning for any of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.109
"$folder/venv/bin/python" -W error - <<'PY'
import holidays

seen = {}
for year in (2025, 2026, 2027, 2028):
    china = holidays.CN(years=year)
    seen[year] = len(china), sum(day.year == year for day in china.weekend_workdays)
    print(year, "holidays: %d, working weekend days: %d" % seen[year])
assert seen[2026] == (22, 6), seen
assert seen[2027] == (19, 0) and seen[2028] == (15, 0), seen
PY
