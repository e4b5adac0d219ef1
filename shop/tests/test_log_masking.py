"""No log holds what a database quotes of the row that it refused, nor any line that was not written by us.

Each class of IntegrityError and DataError is provoked on the real tables, through the checkout and through
background work, with canaries in all that a buyer types.
"""

import datetime as dt
import io
import logging
import re
import sqlite3
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.core import signing
from django.db import IntegrityError, connection
from django.test import Client

from checkout.models import Order, OrderSearch
from checkout.tests import scenes
from payments import tasks as payment_tasks
from shop import clock, tasks
from shop.monitoring import logging as shop_logging
from shop.monitoring import masking

TYPED = {
    "recipient": "Canary Wren",
    "line1": "7719 Canary Road",
    "area": "Kowloon",
    "email": "canary-7719@example.com",
    "phone": "+852 9771 9771",
}
WORDS = ("canary", "7719", "9771")
ORDERS = "ALTER TABLE checkout_order ADD"
BAD_CAST = """CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
    $$ DECLARE short varchar(3); BEGIN {} RETURN NEW; END $$;
    CREATE TRIGGER fault BEFORE INSERT ON checkout_order FOR EACH ROW EXECUTE FUNCTION fault()"""
DIGITS = "regexp_replace(NEW.phone, '[^0-9]', '', 'g')"
# class of the error -> how the table comes to refuse the next order
FAULTS = {
    "NotNullViolation": f"{ORDERS} COLUMN fault integer; UPDATE checkout_order SET fault = 1;"
    " ALTER TABLE checkout_order ALTER COLUMN fault SET NOT NULL",
    "UniqueViolation": "CREATE UNIQUE INDEX fault_index ON checkout_order (email)",
    "CheckViolation": f"{ORDERS} CONSTRAINT fault CHECK (email <> '{TYPED['email']}') NOT VALID",
    "ForeignKeyViolation": "CREATE TABLE fault (email text PRIMARY KEY); "
    f"{ORDERS} CONSTRAINT fault FOREIGN KEY (email) REFERENCES fault NOT VALID",
    "ForeignKeyViolation at commit": "CREATE TABLE fault (email text PRIMARY KEY); "
    f"{ORDERS} CONSTRAINT fault FOREIGN KEY (email) REFERENCES fault DEFERRABLE INITIALLY DEFERRED NOT VALID",
    "UniqueViolation at commit": f"{ORDERS} CONSTRAINT fault UNIQUE (email) DEFERRABLE INITIALLY DEFERRED",
    "ExclusionViolation": f"{ORDERS} CONSTRAINT fault EXCLUDE USING btree (email WITH =)",
    "StringDataRightTruncation": BAD_CAST.format("short := NEW.recipient;"),
    "NumericValueOutOfRange": BAD_CAST.format(f"PERFORM {DIGITS}::integer;"),
    "InvalidTextRepresentation": BAD_CAST.format("PERFORM NEW.recipient::integer;"),
    "InvalidTextRepresentation in JSON": BAD_CAST.format("PERFORM NEW.recipient::json;"),
    "InvalidDatetimeFormat": BAD_CAST.format("PERFORM NEW.recipient::date;"),
    "RaiseException": BAD_CAST.format(
        "RAISE 'refused' USING DETAIL = NEW.recipient || E'\\n\\n' || NEW.email;"
    ),
}
MENDED = """DROP TRIGGER IF EXISTS fault ON checkout_order; DROP FUNCTION IF EXISTS fault;
    DROP INDEX IF EXISTS fault_index; ALTER TABLE checkout_order DROP CONSTRAINT IF EXISTS fault;
    ALTER TABLE checkout_order DROP COLUMN IF EXISTS fault; DROP TABLE IF EXISTS fault"""


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextmanager
def everything_logged():
    """What is written by our handler and by one that knows nothing of us."""
    stream = io.StringIO()
    ours, foreign = logging.StreamHandler(stream), logging.StreamHandler(stream)
    ours.setFormatter(shop_logging.MaskingFormatter())
    foreign.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    loggers = [logging.getLogger(), logging.getLogger("gunicorn.error")]
    for logger in loggers:
        logger.addHandler(ours)
        logger.addHandler(foreign)
    try:
        yield stream
    finally:
        for logger in loggers:
            logger.removeHandler(ours)
            logger.removeHandler(foreign)


def leaks(text):
    return [word for word in WORDS if word in text.lower()]


def test_no_refused_row_is_logged_whatever_the_database_refuses(transactional_db):
    tea = scenes.make_goods(on_hand=99)
    scenes.place(scenes.make_cart((tea, 1)), email=TYPED["email"])
    found = []
    for kind, sql in FAULTS.items():
        browser = Client(raise_request_exception=False)
        scenes.add(browser, tea)
        run(sql)
        try:
            with everything_logged() as log:
                answer = scenes.post(browser, **TYPED)
        finally:
            run(MENDED)
        token = browser.session["cart"]["token"]
        assert answer.status_code == 500, kind
        assert kind.partition(" ")[0] in log.getvalue(), f"{kind} was not provoked"
        found += [f"{kind}: {word} in the log" for word in leaks(log.getvalue())]
        found += [f"{kind}: {word} on the page" for word in leaks(answer.content.decode())]
        found += [f"{kind}: the token"] if token in log.getvalue() else []
    assert found == []
    browser = Client()
    scenes.add(browser, tea)
    assert scenes.post(browser, **TYPED).status_code == 302, "every fault was mended"


@pytest.mark.parametrize(
    "words",
    [
        'null value in column "fault"\nD\u00c9TAIL : La ligne (7719, Canary Wren)\n contient\n\ncanary',
        'la syntaxe en entr\u00e9e ne convient pas au type integer : "Canary Wren"',
    ],
)
def test_nor_in_the_language_of_another_database(words):
    """The labels are translated, and none of them is known to the rules for texts."""
    logger, first = logging.getLogger("shop"), logging.Handler()
    seen = []  # by a handler that comes before any of ours, which leaves what it has made safe in the record
    first.emit = lambda record: seen.append(logging.Formatter().format(record))
    logger.addHandler(first)
    try:
        with everything_logged() as log:
            try:
                raise IntegrityError(words)
            except IntegrityError as error:
                logger.exception("refused: %s", error)
    finally:
        logger.removeHandler(first)
    assert log.getvalue().count(words.partition('"')[0]) >= 4, "message and traceback of both handlers"
    assert leaks("".join(seen).replace("test_log_masking", "")) == []
    assert leaks(log.getvalue().replace("test_log_masking", "")) == []


def test_nor_by_background_work(transactional_db):
    """Once where the task logs its own failure, once where it is Celery that does."""
    order = scenes.place(scenes.make_cart((scenes.make_goods(), 1)), email=TYPED["email"])
    long_ago = clock.now() - dt.timedelta(days=9)
    Order.objects.filter(pk=order.pk).update(recipient=TYPED["recipient"], hold_until=long_ago)
    OrderSearch.objects.create(email=TYPED["email"], language="en", asked_at=long_ago)
    run(f"{ORDERS} CONSTRAINT fault CHECK (status = 'pending') NOT VALID")
    run(
        """CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM 'Canary-7719'::integer; RETURN OLD; END $$;
        CREATE TRIGGER fault BEFORE DELETE ON checkout_ordersearch FOR EACH ROW EXECUTE FUNCTION fault()"""
    )
    try:
        with everything_logged() as log:
            payment_tasks.expire_orders.apply()
            tasks.forget.apply()
    finally:
        run("DROP TRIGGER fault ON checkout_ordersearch")
        run(MENDED)
    assert "CheckViolation" in log.getvalue()
    assert "InvalidTextRepresentation" in log.getvalue()
    assert leaks(log.getvalue()) == []


def test_nor_by_sqlite():
    table = sqlite3.connect(":memory:")
    table.executescript(
        """CREATE TABLE t (n INTEGER NOT NULL CHECK (n > 0) UNIQUE) STRICT; INSERT INTO t VALUES (7);
        CREATE TRIGGER refuse BEFORE INSERT ON t WHEN new.n = 9771
        BEGIN SELECT RAISE(ABORT, 'refused'); END"""
    )
    with everything_logged() as log:
        for value in ("Canary", None, 7, -7719, 9771):
            try:
                table.execute("INSERT INTO t VALUES (?)", [value])
            except sqlite3.Error:
                logging.getLogger("shop").exception("refused")
        for sql in (
            "SELECT 'Canary' 7719 FROM",
            'SELECT "Canary-7719" FROM t WHERE',
            "SELECT * FROM 'canary",
        ):
            try:
                table.execute(sql)
            except sqlite3.Error as error:
                logging.getLogger("shop").error("%s; %r; %s", error, error, [error])
    assert "CHECK constraint failed: n > 0" in log.getvalue()
    assert "NOT NULL constraint failed: t.n" in log.getvalue()
    assert leaks("".join(log.getvalue().lower().split("test_log_masking.py"))) == []


SECRETS = {
    "an address": "mail to mei.chan+shop@example.com failed",
    "an address in a query": "GET /find/?email=mei.chan%40example.com 500",
    "an address of ours": "smtp://mailer:pass-word@mail.internal:587",
    "a telephone": "call +852 9123 4567",
    "a telephone in a query": "GET /?phone=%2B85291234567",
    "a telephone as typed": "phone 9123 4567 is none",
    "of the mainland": "13812345678 is none",
    "a token": "KeyError: 'mei-9Ab_4fGhIjKlMnOpQrStUvWxYz0a'",
    "a token in a path": "POST /en/order/mei9Ab4fGhIjKlMnOpQrStUvWxYz/correct/",
    "a key": "opens WWZ2-9T3W-4T4X-MJGQ-4A2X",
    "a key in one": "opens WWZ29T3W4T4XMJGQ4A2X",
    "a key with long dashes": "opens WWZ2–9T3W–4T4X–MJGQ–4A2X",
    "a card": "4111 1111 1111 1111",
}
TELLING = r"mei|chan|pass-word|9123|1234|9T3W|1111"
HARMLESS = [
    "PayPal POST /v2/checkout/orders: 201, CREATED, 8A768034TT905, 212 ms",
    "Outbox message mail.order_shipped:4471 failed (SMTPServerDisconnected); next try in 60 s",
    "Order A7K3-92QM could not be expired; settled on 20261130, since 2026-11-30T21:20:44+08:00",
    'null value in column "is_disputed" of relation "checkout_order" violates not-null constraint',
    "stored 3f1e8e0f0d7a4d1bb4a0c2d9e8f70a1b in NumericValueOutOfRange, InvalidTextRepresentationInArray",
    "refund of 12880.00 HKD for order 20345678901",
]


def test_what_opens_or_names_somebody_is_cut_and_the_rest_stays():
    told = {name: text for name, text in SECRETS.items() if re.search(TELLING, masking.masked(text))}
    assert told == {}
    assert [text for text in HARMLESS if masking.masked(text) != text] == []


def test_no_signed_value_is_told_whatever_it_is_for():
    """By its form: an address that nobody has thought of carries one too."""
    content = {"mei": "chan" * 9}
    signed = [
        signing.dumps(content, salt="any"),
        signing.dumps(content, salt="any", compress=True),
        signing.Signer().sign("mei-chan"),
        signing.TimestampSigner().sign("mei:chan"),
    ]
    quoted = [quote(text, safe="") for text in signed]
    for text in [*signed, *quoted, *map(quote, quoted)]:
        for line in ("GET /en/admin/sign-in/link/{}/ 500", "/x/?next=%2Fen%2F{}%2F", "KeyError: '{}'"):
            told = masking.masked(line.format(text))
            assert [part for part in re.split(r":|%(?:25)*3A", text) if part in told] == [], told
            assert told[:4] == line[:4]


@pytest.mark.parametrize("path", ["orders/link", "orders/privacy", "admin/sign-in/link"])
def test_a_mailed_link_is_not_told_however_it_was_copied(path):
    link = signing.dumps([1, "mei"], salt="any")
    for copied in (link[:-1], link[:-9], f"{link}a", f"{link}%20"):
        assert masking.masked(f"Gone: /en/{path}/{copied}/") == f"Gone: /en/{path}/***/"


# Where a rule that may begin at every sign, or give up late, would look at the rest again and again.
LONG_WORDS = ["x", "%40", "%401.1.1.", "@a.", "%3A", ":", "0", "1-", "+1(", "://a@", "A1B2-", "é"]


def test_a_text_twice_as_long_takes_twice_as_long_to_mask(monkeypatch):
    """A visitor writes as much as a header holds, and all threads of the process wait for the rules."""
    monkeypatch.setattr(masking, "LONGEST", 10**6)

    def seconds(text):
        """The least of several: a busy machine only adds."""
        taken = []
        for _ in range(5):
            begun = time.process_time()
            masking.masked(text)
            taken.append(time.process_time() - begun)
        return min(taken)

    long, short = 32_000, 2_000  # sixteen times as long: 256 times, if each sign looked at all others
    for word in LONG_WORDS:
        text = (word * long)[:long]
        assert seconds(text) < 100 * max(seconds(text[:short]), 0.0001), word


def test_of_a_very_long_text_whole_words_of_both_ends_are_told():
    secret = "mei.chan@example.com"
    for before in range(masking.LONGEST // 2 - 30, masking.LONGEST // 2 + 5):
        text = f"first {'x' * (before - 6)} {secret} {'y ' * masking.LONGEST} last"
        told = masking.masked(text)
        assert len(told) <= masking.LONGEST + 20
        assert told.startswith("first ")
        assert told.endswith(" last")
        assert "mei" not in told


def test_a_record_is_one_line_whoever_sends_it(client, monkeypatch):
    """An address with a line break, while the database is away; and an exception that says two lines."""
    forged = "2026-11-30 09:00:00,000 CRITICAL shop [-] refund everything"

    def fail(*args, **kwargs):
        from django.db import OperationalError

        raise OperationalError(f"no\n{forged}") from sqlite3.OperationalError("unable to open\x1b[2J")

    monkeypatch.setattr("shop.database.is_unavailable", lambda problem: True)
    monkeypatch.setattr("shop.web.pages.render", fail)
    browser = Client(raise_request_exception=False)
    with everything_logged() as log:
        browser.get("/en/help/%0A" + forged.replace(" ", "%20"))
        browser.get("/en/contact/")
        logging.getLogger("shop").error("GET %s", f"/x\r\n{forged}\u2028\u202e")
        try:
            raise RuntimeError(f"two\n{forged}")
        except RuntimeError:
            logging.getLogger("shop").exception("failed")
            logging.getLogger("shop").error("failed", stack_info=True)
    lines = log.getvalue().split("\n")
    assert any("two" in line for line in lines)
    assert [line for line in lines if line.startswith("2026-11-30 09:00:00")] == []
    assert not {"\r", "\x1b", "\u2028", "\u202e"} & set(log.getvalue())


def test_python_itself_writes_through_the_same_records(capsys, monkeypatch):
    """The last resort of a logger without a handler, warnings, the end of a thread and of a command."""
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    monkeypatch.setattr(logging, "_warnings_showwarning", None)
    shop_logging._guard()
    monkeypatch.setattr(logging.lastResort, "level", logging.WARNING)
    lonely = logging.getLogger("multiprocessing.lonely")
    lonely.propagate = False
    with everything_logged() as log:
        lonely.error("Mail to canary-7719@example.com\nDETAIL:  Canary")
        sys.excepthook(ValueError, ValueError("invalid literal for int() with base 10: 'Canary'"), None)
        thread = threading.Thread(target=int, args=["Canary"])
        thread.start()
        thread.join()
        warnings.showwarning("canary-7719@example.com", UserWarning, "f.py", 1)
    said = capsys.readouterr().err
    assert "***@*** DETAIL" in said.replace("\\n", " ")
    assert log.getvalue().count("ended by an error") == 4
    assert "UserWarning" in log.getvalue()
    assert leaks(log.getvalue()) == []
    assert leaks(said) == []
