#!/usr/bin/env bash
# gunicorn 27.0.1: two apps of one user share one control socket, and the one that ends takes it from the other.
#
# Expected: each master has a control socket of its own, as it has a port and may have a pid file of its own.
# Happens:  by default all masters of a user listen at ~/.gunicorn/gunicorn.ctl. The second one replaces the first one's
#           socket without a word in either log, so gunicornc speaks to the second; when the second ends it removes
#           the file, and the first, still serving, can no longer be reached by gunicornc.
# Seen:     both up: "show listeners" names the second app only; second ended: "Failed to connect ... No such file or
#           directory" while the first still answers. --no-control-socket, or a path for each app, avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gunicorn==27.0.1
cd "$folder"
export HOME="$folder/home"
unset XDG_RUNTIME_DIR
mkdir "$HOME"
cat > app.py <<'PY'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"served"]
PY
port() { venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
until_served() {
  for _ in $(seq 100); do
    venv/bin/python -c "import urllib.request as u; assert u.urlopen('http://127.0.0.1:$1').read() == b'served'" 2>/dev/null && return
    sleep 0.1
  done
  return 1
}
first=$(port) second=$(port)
venv/bin/gunicorn app --bind "127.0.0.1:$first" > first.log 2>&1 & one=$!
until_served "$first"
venv/bin/gunicorn app --bind "127.0.0.1:$second" > second.log 2>&1 & two=$!
trap 'kill $one $two 2>/dev/null; wait; rm -rf "$folder"' EXIT
until_served "$second"
sleep 1
venv/bin/gunicornc -c "show listeners" | tee both.txt
grep -q ":$second" both.txt && ! grep -q ":$first" both.txt
kill "$two"; wait "$two" || true
until_served "$first"
if venv/bin/gunicornc -c "show listeners" > one.txt 2>&1; then
  echo "the first app can be reached again: the behaviour has changed"; exit 1
fi
tail -n 1 one.txt
! grep -qiE "warn|error" first.log second.log
