#!/usr/bin/env bash
# kombu 5.7.0, transport filesystem://: a message is lost while it is written.
#
# Expected: a broker that keeps each message in a file of its own hands a reader whole messages, or none.
# Happens:  the file appears under its final name first and is filled afterwards. A reader that looks in between moves
#           the empty file away, fails with a JSONDecodeError out of get(), and the message never comes back.
# Seen:     "399 of 400 arrived; JSONDecodeError: Expecting value: line 1 column 1 (char 0); 0 files left" in two of
#           three rounds of two writers (200 messages of 20 kB each) and one reader. Up to 30 rounds are tried here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check kombu==5.7.0
cat > "$folder/round.py" <<'PY'
import pathlib, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor

from kombu import Connection

WRITERS, EACH = 2, 200


def one_round():
    folder = pathlib.Path(tempfile.mkdtemp(dir=sys.argv[1]))
    messages, control = folder / "messages", folder / "control"
    messages.mkdir(), control.mkdir()
    options = {"data_folder_in": str(messages), "data_folder_out": str(messages), "control_folder": str(control)}
    written, errors = threading.Event(), []

    def write(writer):
        with Connection("filesystem://", transport_options=options) as connection:
            queue = connection.SimpleQueue("orders")
            for number in range(EACH):
                queue.put({"order": number, "note": "x" * 20_000})

    def read():
        arrived = 0
        with Connection("filesystem://", transport_options=options) as connection:
            queue = connection.SimpleQueue("orders")
            while True:
                is_last = written.is_set()
                try:
                    queue.get(block=False).ack()
                    arrived += 1
                except queue.Empty:
                    if is_last:
                        return arrived
                except ValueError as error:
                    errors.append(f"{type(error).__name__}: {error}")

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        list(pool.map(write, range(WRITERS)))
        written.set()
        arrived = reader.result()
    return arrived, errors, len(list(messages.iterdir()))


for _ in range(30):
    arrived, errors, left = one_round()
    if errors:
        print(f"{arrived} of {WRITERS * EACH} arrived; {errors[0]}; {left} files left")
        assert arrived + len(errors) == WRITERS * EACH and left == 0 and "JSONDecodeError" in errors[0]
        sys.exit(0)
sys.exit("no message was lost in 30 rounds: the behaviour has changed")
PY
"$folder/venv/bin/python" "$folder/round.py" "$folder"
