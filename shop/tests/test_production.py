"""A shop starts as its owner says, or not at all; ``check --deploy`` lets no wrong setting through."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django import conf
from django.core import checks

from payments import checks as payment_checks
from shop.keyring import generate
from shop.monitoring import deployment_checks
from shop.tests.project.test_structure import sources

BASE = Path(__file__).resolve().parents[2]
EXAMPLE = (BASE / ".env.example").read_text()
DEPLOY = ("check", "--deploy", "--fail-level", "WARNING")
OWNERS = {  # what an owner has to put in place of the example's
    "CUSTOMER_SERVICE_PHONE": "+852 2345 6789",
    "PAYPAL_CLIENT_ID": "AQ7bQ1",
    "PAYPAL_CLIENT_SECRET": "EHt4",
    "PAYPAL_WEBHOOK_ID": "8PT597110X687430LKGECATA",
    "PAYPAL_MERCHANT_ID": "5ZK9Q2W3E4R5T",
    "UNIONPAY_MERCHANT_ID": "898340183980105",
    "UNIONPAY_PFX_PASSWORD": "k7",
}
FIXED = {  # lines of the example that are right as they stand
    "SHOP_MODE",
    "PORT",
    "TRUSTED_PROXIES",
    "REDIS_URL",
    "VAR_DIR",
    "PAYPAL_MODE",
    "PAYPAL_API_BASE",
    "UNIONPAY_MODE",
    "UNIONPAY_GATEWAY",
    "UNIONPAY_CERT_DIR",
}
PATIENCE = 120  # seconds; a shop that opens where it must not goes on for ever
MAKE_CERTIFICATES = """
from cryptography import x509
from payments.sandbox.unionpay import pki
pki._name = lambda name: x509.Name.from_rfc4514_string("CN=" + name.replace("SANDBOX", "CFCA"))
pki.ensure_keys()
"""


def run(program, **environment):
    """A process with nothing but this environment."""
    return subprocess.run(
        [sys.executable, *program],
        cwd=BASE,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def manage(*arguments, **environment):
    return run(["manage.py", *arguments], **environment)


# --- starting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "runstack", "migrate"])
def test_no_mode_is_taken_for_granted(command):
    done = manage(command, ENV_FILE=os.devnull)
    assert done.returncode == 1
    assert done.stderr.startswith("SHOP_MODE is not set. `make run` opens the demo;")
    assert done.stderr.count("\n") == 1


def test_a_web_server_says_so_in_one_line_too():
    done = run(["-c", "import shop.wsgi"], ENV_FILE=os.devnull)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "is not there"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes("SHOP_NAME_EN=é".encode("latin-1")), "not a text in UTF-8"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_a_named_file_that_cannot_be_read_stops_the_start(tmp_path, make, said):
    path = tmp_path / "env"
    make(path)
    done = manage("check", ENV_FILE=str(path), SHOP_MODE="demo", VAR_DIR=str(tmp_path / "var"))
    assert done.returncode == 1, "the shop began with what it had"
    assert str(path) in done.stderr
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "var").exists()


def test_make_run_says_demo_only_where_no_file_says_something_else():
    recipe = re.search(r"^run:.*\n((?:\t.*\n)+)", (BASE / "Makefile").read_text(), re.MULTILINE)[1]
    script = recipe.replace("$$", "$").replace("$(BIN)/python manage.py runstack", "printenv SHOP_MODE")
    script = script.replace("exec", "").replace("@", "").replace("\\\n", "")

    def mode(folder, **environment):
        surroundings = {"PATH": os.environ["PATH"], **environment}
        done = subprocess.run(
            ["bash", "-c", script], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    assert mode("/") == "demo"
    assert mode("/", ENV_FILE="/etc/shop/env") == ""
    assert mode("/", SHOP_MODE="production") == "production"


# --- the example, filled in ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def owners_files(tmp_path_factory):
    """A folder with what an owner makes of the example: secrets, own values, and UnionPay's files."""
    folder = tmp_path_factory.mktemp("production")
    text = EXAMPLE
    for line in generate.lines():
        name = line.partition("=")[0]
        assert re.search(f"^{name}=$", text, re.MULTILINE), f"{name} must be empty in the example"
        text = re.sub(f"^{name}=$", line, text, flags=re.MULTILINE)
    places = {"UNIONPAY_CERT_DIR": str(folder / "certificates"), "VAR_DIR": str(folder / "var")}
    for name, value in {**OWNERS, **places}.items():
        text = re.sub(f"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    text = text.replace("change-this.example.com", "inkstone.hk").replace("change-this@", "t0psecret@")
    made = manage(
        "shell",
        "--no-imports",
        "--command",
        MAKE_CERTIFICATES,
        SHOP_MODE="demo",
        ENV_FILE=os.devnull,
        VAR_DIR=str(folder / "demo"),
        UNIONPAY_CERT_DIR=str(folder / "certificates"),
        UNIONPAY_PFX_PASSWORD=OWNERS["UNIONPAY_PFX_PASSWORD"],
    )
    assert made.returncode == 0, made.stderr
    (folder / "env").write_text(text)
    return folder


@pytest.fixture
def production(owners_files, tmp_path):
    """The environment of a shop in production, for a test to damage."""
    path = tmp_path / "env"
    certificates = shutil.copytree(owners_files / "certificates", tmp_path / "certificates")
    path.touch(mode=0o600)
    text = (owners_files / "env").read_text()
    path.write_text(text.replace(str(owners_files / "certificates"), str(certificates)))
    return path


def replace(path, **values):
    text = path.read_text()
    for name, value in values.items():
        text = re.sub(f"^(# )?{name}=.*\n", "", text, flags=re.MULTILINE) + f"{name}={value}\n"
    path.write_text(text)


def test_the_example_filled_in_passes_djangos_and_our_own_deployment_checks(production):
    done = manage(*DEPLOY, ENV_FILE=str(production))
    assert done.returncode == 0, done.stderr


def test_the_example_as_it_stands_names_every_value_that_is_not_the_owners():
    for name, value in re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE):
        if value and name not in FIXED:
            assert deployment_checks.is_placeholder(value), f"{name} would pass as the owner's own"
    for name in FIXED | set(OWNERS):
        assert re.search(f"^{name}=", EXAMPLE, re.MULTILINE), name


def test_everything_wrong_at_once_is_named_by_the_command(production, tmp_path):
    """What the loop below shows of each check, the command shows of all of them: none is left out of it."""
    replace(
        production,
        ALLOWED_HOSTS="*",
        TRUSTED_PROXIES="",
        DATABASE_URL="sqlite:///shop.sqlite3",
        EMAIL_URL="smtp://u:p@mail.inkstone.hk:25",
        KEEP_ORDERS_YEARS="0",
        PAYPAL_CLIENT_ID="change-this",
        UNIONPAY_MERCHANT_ID="777290058100000",
    )
    production.chmod(0o644)
    done = manage(*DEPLOY, ENV_FILE=str(production))
    found = set(re.findall(r"\((\w+\.[EW]\d+)\)", done.stderr))
    assert {f"shop.E02{n}" for n in (1, 3, 4, 5, 6, 7, 8)} | {"payments.E005"} <= found
    assert "change-this" not in done.stderr


def test_production_without_unionpays_files_does_not_pass(production, tmp_path):
    (tmp_path / "certificates" / "root.pem").unlink()
    done = manage(*DEPLOY, ENV_FILE=str(production))
    assert done.returncode == 1
    assert "root.pem" in done.stderr


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL", "PAYPAL_CLIENT_SECRET"]
)
def test_what_production_lacks_is_named_in_one_line(production, name):
    production.write_text(re.sub(f"^{name}=.*$", "", production.read_text(), flags=re.MULTILINE))
    done = manage("check", ENV_FILE=str(production))
    assert done.returncode == 1
    assert done.stderr == f"{name} is not set. See .env.example.\n"


@pytest.mark.parametrize("command", ["seed_demo", "sandbox"])
def test_production_refuses_what_belongs_to_the_demo(production, command):
    done = manage(command, ENV_FILE=str(production))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "production" in done.stderr


def test_what_guards_a_shop_in_production_is_on_unless_its_owner_says_otherwise(production):
    on = ["STAFF_SECOND_FACTOR", "MAILBOX_FOUR_EYES", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT"]
    amounts = ["REFUND_FOUR_EYES_ABOVE", "SECURE_HSTS_SECONDS"]
    off = ["SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"]  # hosts that are not the shop's
    show = (
        f"from django.conf import settings as s; print(*(getattr(s, each) for each in {on + amounts + off}))"
    )
    done = manage("shell", "--no-imports", "--command", show, ENV_FILE=str(production))
    assert done.stdout.split() == ["True"] * len(on) + ["5000", "31536000"] + ["False"] * len(off)


def test_production_never_shows_its_insides(production):
    replace(production, DEBUG="on")
    done = manage("check", ENV_FILE=str(production))
    assert (done.returncode, done.stderr) == (1, "DEBUG cannot be on with SHOP_MODE=production.\n")


# --- one wrong setting --------------------------------------------------------------------------------------


@pytest.fixture
def right(settings, monkeypatch, tmp_path):
    """Settings of a shop in production, in this process."""
    for name in re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE):
        monkeypatch.delenv(name, raising=False)
    settings.PRODUCTION = settings.BEHIND_TLS_PROXY = True
    settings.TRUSTED_PROXIES = ["127.0.0.1", "fd00::1"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "smtp.inkstone.hk", True
    settings.SITE_URL = "https://inkstone.hk"
    settings.MERCHANT_EMAILS = settings.CONSULTANT_EMAILS = ["mei@inkstone.hk"]
    settings.CUSTOMER_SERVICE_EMAIL = settings.DEFAULT_FROM_EMAIL = "orders@inkstone.hk"
    settings.CUSTOMER_SERVICE_PHONE = OWNERS["CUSTOMER_SERVICE_PHONE"]
    settings.PAYPAL_MERCHANT_ID = OWNERS["PAYPAL_MERCHANT_ID"]
    settings.UNIONPAY_MERCHANT_ID = OWNERS["UNIONPAY_MERCHANT_ID"]
    settings.UNIONPAY_CERT_DIR = tmp_path / "none"
    settings.ENV_FILE, settings.VAR_DIR = tmp_path / "env", tmp_path / "var"
    settings.ENV_FILE.touch(mode=0o600)
    settings.VAR_DIR.mkdir(mode=0o700)
    return settings


def refused():
    found = [*deployment_checks.check_deployment(None), *payment_checks.check_play_money()]
    assert all(message.hint and message.level >= checks.ERROR for message in found)
    return [message.id for message in found]


WRONG = [
    ("PRODUCTION", False, "shop.E020"),
    ("TRUSTED_PROXIES", [], "shop.E021"),
    ("TRUSTED_PROXIES", ["10.0.0.0/8"], "shop.E022"),
    ("ALLOWED_HOSTS", ["inkstone.hk", "*"], "shop.E023"),
    ("DATABASE_URL", "sqlite:////var/lib/shop.sqlite3", "shop.E024"),
    ("EMAIL_USE_TLS", False, "shop.E025"),
    ("DATABASE_URL", "postgresql://shop:t0psecret@db.inkstone.hk/shop", "shop.E030"),
    ("DATABASE_URL", "postgresql://shop:t0psecret@db.inkstone.hk/shop?sslmode=require", "shop.E030"),
    ("REDIS_URL", "redis://:t0psecret@10.0.0.5:6379/0", "shop.E031"),
    *(
        (name, wrong, "shop.E026")
        for name in (
            "KEEP_ORDERS_YEARS",
            "KEEP_ADDRESSES_DAYS",
            "KEEP_UNPAID_DAYS",
            "KEEP_UNPAID_ANSWERS_DAYS",
            "KEEP_MESSAGES_DAYS",
            "KEEP_ACCESS_LOG_DAYS",
            "KEEP_NOTIFICATIONS_DAYS",
            "KEEP_AUDIT_DAYS",
        )
        for wrong in (0, -1)
    ),
    *((name, "me@shop.example", "shop.E027") for name in ("CUSTOMER_SERVICE_EMAIL", "DEFAULT_FROM_EMAIL")),
    *((name, ["me@example.com"], "shop.E027") for name in ("MERCHANT_EMAILS", "CONSULTANT_EMAILS")),
    ("SITE_URL", "https://shop.example.com", "shop.E027"),
    ("CUSTOMER_SERVICE_PHONE", "+852 5808 0000", "shop.E027"),
    ("PAYPAL_MERCHANT_ID", "SANDBXMERCH22", "payments.E005"),
    ("PAYPAL_MERCHANT_ID", "ABCDEFGHJKLMN", "payments.E005"),
    ("UNIONPAY_MERCHANT_ID", "777290058100000", "payments.E005"),
    ("UNIONPAY_MERCHANT_ID", "000000000000000", "payments.E005"),
]


@pytest.mark.parametrize(("name", "wrong", "number"), WRONG)
def test_a_wrong_setting_is_refused(right, name, wrong, number):
    assert refused() == []
    setattr(right, name, wrong)
    assert refused() == [number]


def test_every_term_of_keeping_is_looked_at(right):
    terms = {name for name in dir(conf.settings) if name.startswith("KEEP_")}
    assert terms == {name for name, _wrong, number in WRONG if number == "shop.E026"}


def test_every_value_of_the_example_is_refused_in_the_environment(right, monkeypatch):
    for name, value in re.findall(r"^([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE):
        monkeypatch.setenv(name, value)
        assert refused() == ([] if name in FIXED else ["shop.E027"]), name
        monkeypatch.delenv(name)


def test_a_mail_server_on_this_machine_needs_no_tls(right):
    right.EMAIL_USE_TLS, right.EMAIL_HOST = False, "127.0.0.1"
    assert refused() == []


def test_stores_on_this_machine_or_behind_tls_are_taken(right):
    for database in ("verify.hk/shop?sslmode=verify-full", "%2Frun%2Fpostgresql/shop", "localhost/shop"):
        right.DATABASE_URL = f"postgresql://shop:t0psecret@{database}"
        assert refused() == [], database
    right.REDIS_URL = "rediss://:t0psecret@10.0.0.5:6379/0?ssl_cert_reqs=required"
    assert refused() == []


WRITES_COOKIE = re.compile(r"set_(?:signed_)?cookie\(|cookie_name =")
COOKIES = """
import importlib, sys
import django
django.setup()
from django.conf import settings
names = {name: getattr(settings, name) for name in dir(settings) if name.endswith("COOKIE_NAME")}
del names["LANGUAGE_COOKIE_NAME"]  # nothing sets it: the language stands in the address
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    owners = [module, *(each for each in vars(module).values() if getattr(each, "__module__", "") == name)]
    for owner in owners:
        found = getattr(owner, "__dict__", {}).items()
        found = [(key, value) for key, value in found if key.lower() in {"cookie", "cookie_name"}]
        names |= {f"{name}.{key}": value for key, value in found if isinstance(value, str)}
print(*(f"{where}={name}" for where, name in names.items()), sep="\\n")
"""


def test_every_cookie_belongs_to_this_host_alone(production):
    """Browsers take a name with ``__Host-`` only with Secure and Path=/, and from no neighbouring host."""
    writers = [path for path in sources() if "sandbox" not in path.parts and "tests" not in path.parts]
    writers = [path for path in writers if WRITES_COOKIE.search(path.read_text())]
    assert len(writers) >= 3
    named = [path for path in writers if re.search(r"set_(signed_)?cookie\(\s*[frb]*[\"']", path.read_text())]
    assert named == [], "a cookie has its name in a constant or a setting, which is looked at here"
    modules = [".".join(path.relative_to(BASE).with_suffix("").parts) for path in writers]
    done = run(["-c", COOKIES, *modules], ENV_FILE=str(production), DJANGO_SETTINGS_MODULE="shop.settings")
    assert done.returncode == 0, done.stderr
    names = dict(line.split("=") for line in done.stdout.split())
    assert len(names) >= 5
    assert {where: name for where, name in names.items() if not name.startswith("__Host-")} == {}


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o602])
def test_what_others_may_read_or_change_is_refused(right, mode):
    right.ENV_FILE.chmod(0o640)
    assert refused() == []
    right.ENV_FILE.chmod(mode)
    assert refused() == ["shop.E028"]
    right.ENV_FILE.chmod(0o600)
    right.VAR_DIR.chmod(0o700 | (mode & 0o077))
    assert refused() == ["shop.E029"]


def test_the_sandboxs_certificates_are_not_unionpays(right, sandbox, tmp_path):
    from payments.sandbox.unionpay import pki

    right.UNIONPAY_CERT_DIR = tmp_path / "none"
    right.UNIONPAY_CERT_DIR.mkdir()
    (right.UNIONPAY_CERT_DIR / "root.pem").write_text(pki.certificate_text("root"))
    assert refused() == ["payments.E006"]
