"""``manage.py runstack``: opens everything, tells what is in the way, leaves nothing behind."""

import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from django.core.management.base import CommandError

from shop.management.commands.runstack import look_for_obstacles
from shop.tests.harness import environment, prepared
from shop.tests.harness.browser import assert_accessible, assert_visible
from shop.tests.harness.stacks import stack as stacks

QUICK = 20.0  # seconds: alone it takes 4, but the machine may be busy


def relatives(folder):
    """(pid, command line) of every process that runs with this folder in its environment."""
    commands = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes():
                commands[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it has just ended
            continue
    return commands


def leader(folder, words):
    """The first process, of lowest id, whose command line holds the words."""
    return min(pid for pid, command in relatives(folder).items() if words in command)


def wait_until_alone(folder, timeout=QUICK):
    deadline = time.monotonic() + timeout
    while left := relatives(folder):
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.1)


@stacks.on_servers
@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_home_page_is_served_to_a_browser_in_both_languages(stack, open_page, language):
    page = open_page(language)
    page.goto(f"{stack.url}/", timeout=60_000)  # the stack may be in the midst of another test's rush
    assert page.url == f"{stack.url}/{language}/"
    assert page.locator("html").get_attribute("lang") == {"en": "en", "zh-hant": "zh-Hant"}[language]
    assert page.locator("h1").count() == 1
    assert_accessible(page)


@stacks.on_servers
def test_what_is_sent_by_smtp_lies_in_the_mailbox(stack, open_page, complaints):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        "shop@shop.example",
        "Mei <mei@example.com>",
        "訂單確認 – hello",
    )
    mail["Message-ID"] = "<1@shop.example>"
    mail.set_content("您好,見 https://shop.example/a?b=1\n")
    mail.add_alternative('<h1 style="color: teal">您好</h1><script>alert(1)</script>', subtype="html")
    with smtplib.SMTP("127.0.0.1", int(stack.environment["SANDBOX_SMTP_PORT"])) as smtp:
        smtp.send_message(mail)

    received = stack.wait_for_mail("MEI@example.com", "訂單確認")
    assert received["subject"] == "訂單確認 – hello"
    assert received["text"] == "您好,見 https://shop.example/a?b=1\n"
    assert "<h1" in received["html"]
    assert received["to"] == "mei@example.com"
    assert received["message_id"] == "<1@shop.example>"
    assert stack.mails("nobody@example.com") == []
    assert "mei@example.com" not in str(stack.log())

    complaints.expected = ["Blocked script execution"]
    page = open_page("en")
    page.goto(f"{stack.sandbox_url}/mailbox/")
    assert_accessible(page)
    page.get_by_role("link", name="訂單確認").first.click()
    assert_visible(page.frame_locator("iframe").get_by_role("heading", name="您好"))
    assert_visible(page.get_by_role("link", name="https://shop.example/a?b=1"))
    assert_accessible(page)


@stacks.on_servers
def test_the_sandbox_explains_itself(stack, open_page):
    for language in ("en", "zh-hant"):
        page = open_page(language, width=320)
        page.goto(f"{stack.sandbox_url}/")
        assert_accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert requests.get(f"{stack.sandbox_url}/nowhere", timeout=10).status_code == 404
    assert requests.get(f"{stack.sandbox_url}/mailbox/nowhere/", timeout=10).status_code == 404


def test_only_this_machine_can_reach_the_stack(stack):
    """Every listening socket of the stack's processes is bound to loopback."""
    names = ("PORT", "SANDBOX_PORT", "SANDBOX_SMTP_PORT")
    ports = {f"{int(stack.environment[name]):04X}" for name in names}
    listening = re.findall(
        r"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A ", Path("/proc/net/tcp").read_text(), re.M
    )
    assert {(address, port) for address, port in listening if port in ports} == {
        ("0100007F", port) for port in ports
    }


def test_the_demos_secrets_are_for_the_owner_alone(stack):
    for name in ("demo-logins.txt", "demo-secrets.json"):
        assert (stack.var / name).stat().st_mode & 0o077 == 0
    assert stack.var.stat().st_mode & 0o077 == 0
    assert set(stack.logins) == {"merchant", "fulfilment", "consultant"}
    console = stack.console.read_text()
    for password in stack.logins.values():
        assert password in console
    for line in (stack.var / "demo-secrets.json").read_text().splitlines():
        if secret := re.search(r': "(.{32,})"', line):
            assert secret[1] not in console


@stacks.on_servers
def test_a_second_stack_finds_the_port_taken(stack):
    assert refusal(stack.environment) == (
        f"CommandError: Port {stack.environment['PORT']} cannot be used (address already in use). "
        "Choose another with PORT=…\n"
    )


@stacks.on_servers
def test_a_second_stack_on_other_ports_does_not_share_the_folder(stack):
    ports = dict(zip(("PORT", "SANDBOX_PORT", "SANDBOX_SMTP_PORT"), environment.free_ports(3), strict=True))
    said = refusal({**stack.environment, **{name: str(port) for name, port in ports.items()}})
    assert said == f"CommandError: Another stack already runs in {stack.var}.\n"


def refusal(surroundings):
    """What runstack says when it does not start."""
    done = subprocess.run(
        [sys.executable, "manage.py", "runstack"],
        cwd=stacks.BASE,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.parametrize("port", [0, 70000])
def test_a_number_that_is_no_port_is_told(settings, port):
    settings.PORT = port
    with pytest.raises(
        CommandError, match=rf"^Port {port} cannot be used \(not a port number\)\. .* PORT=…$"
    ):
        look_for_obstacles()


@pytest.mark.parametrize(
    ("variable", "address", "said"),
    [
        (
            "DATABASE_URL",
            "postgresql://shop:s3cret@127.0.0.1:{port}/shop",
            "The database postgresql://shop@127.",
        ),
        (
            "DATABASE_URL",
            "sqlite:////nowhere/shop.sqlite3",
            "The database sqlite:////nowhere/shop.sqlite3 cannot",
        ),
        ("REDIS_URL", "redis://:s3cret@127.0.0.1:{port}/0", "The broker redis://@127.0.0.1:"),
        ("DATABASE_URL", "oracle//nonsense", "DATABASE_URL must begin"),
        ("PORT", "80a", "PORT holds a value of the wrong kind."),
        ("SHOP_MODE", "live", "SHOP_MODE must be demo or production."),
    ],
)
def test_what_is_in_the_way_is_told_in_one_line(tmp_path, variable, address, said):
    port, sandbox, smtp, dead = environment.free_ports(4)
    refused = refusal(
        {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "SHOP_MODE": "demo",
            "VAR_DIR": str(tmp_path),
            "PORT": str(port),
            "SANDBOX_PORT": str(sandbox),
            "SANDBOX_SMTP_PORT": str(smtp),
            variable: address.format(port=dead),
        }
    )
    assert refused.count("\n") == 1, refused
    assert "Traceback" not in refused
    assert said in refused
    assert "s3cret" not in refused


CHILDREN = {
    "worker": " celery -A shop --quiet worker",
    "shop": " gunicorn ",
    "beat": " celery -A shop --quiet beat",
    "sandbox": "manage.py sandbox",
}


@pytest.mark.prove
@pytest.mark.parametrize("name", CHILDREN)
def test_when_a_program_is_killed_the_others_are_stopped_and_it_is_named(tmp_path, name):
    with stacks.running(tmp_path, var=prepared.folder_of_embedded()) as stack:
        os.kill(leader(tmp_path, CHILDREN[name]), signal.SIGKILL)
        assert stack.process.wait(QUICK) == 1
        assert f"{name} was ended by SIGKILL; everything else was stopped." in stack.console.read_text()
        wait_until_alone(tmp_path, timeout=1)


@pytest.mark.prove
def test_nothing_outlives_a_killed_stack_and_it_can_be_opened_again_and_stopped(tmp_path):
    """From an empty folder, which keeps secrets, logins and mails. Asked to stop, it leaves nothing."""
    with stacks.running(tmp_path) as stack:
        assert len(relatives(tmp_path)) > 6
        logins = stack.logins
        with smtplib.SMTP("127.0.0.1", int(stack.environment["SANDBOX_SMTP_PORT"])) as smtp:
            smtp.sendmail("shop@shop.example", ["mei@example.com"], "Subject: kept\n\nhello")
        stack.process.kill()
        wait_until_alone(tmp_path)
    with stacks.running(tmp_path) as stack:
        assert stack.logins == logins
        assert [mail["subject"] for mail in stack.mails()] == ["kept"]
        stack.process.send_signal(signal.SIGINT)
        assert stack.process.wait(QUICK) == 0
        assert stack.console.read_text().endswith("Stopped.\n")
        wait_until_alone(tmp_path, timeout=1)
