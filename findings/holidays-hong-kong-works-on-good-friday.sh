#!/usr/bin/env bash
# holidays 0.109: for Hong Kong, Good Friday 2027 is a working day, until 2028.
#
# Expected: holidays.HK() knows the days on which Hong Kong's banks, post offices and couriers rest. Good Friday and the
#           day after are general holidays by law (General Holidays Ordinance, chapter 149).
# Happens:  the default category "public" holds the *statutory* holidays (Employment Ordinance), which gain Good Friday
#           only in 2028 and the day after in 2030. The general ones are in a category called "optional", so a
#           delivery date counted with the defaults is promised for a day on which no parcel moves.
# Seen:     2027-03-26 not a holiday, is_working_day() True; with categories=("public", "optional") "Good Friday";
#           2028-04-14 "Good Friday" by default.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check holidays==0.109
"$folder/venv/bin/python" - <<'PY'
import datetime as dt

import holidays

plain = holidays.HK(years=[2027, 2028, 2029, 2030], language="en_HK")
general = holidays.HK(years=[2027], categories=("public", "optional"), language="en_HK")
friday, saturday = dt.date(2027, 3, 26), dt.date(2027, 3, 27)
print(friday, "by default:", plain.get(friday), "- working day:", plain.is_working_day(friday))
print(friday, "with optional:", general.get(friday), "/", general.get(saturday))
print("2028-04-14 by default:", plain.get(dt.date(2028, 4, 14)))
assert plain.get(friday) is None and plain.is_working_day(friday)
assert general.get(friday) == "Good Friday" and general.get(saturday)
assert plain.get(dt.date(2028, 4, 14)) == "Good Friday"
assert plain.get(dt.date(2028, 4, 15)) is None and plain.get(dt.date(2030, 4, 20))
PY
