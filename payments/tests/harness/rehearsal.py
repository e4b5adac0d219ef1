"""Ordering faults and acts of the sandbox over HTTP, in this process or in the real stack's.

``payments/sandbox/faults/registry.py`` and ``control/actions.py`` say what can be ordered.
"""

import json
from contextlib import contextmanager

import requests


def arm(sandbox_url, *, gateway, on, fault, times=1, reference="", **parameters):
    """Let something go wrong; returns the number of the fault. A senseless order fails the test."""
    order = {"gateway": gateway, "on": on, "fault": fault, "times": times, "reference": reference}
    return _call("POST", f"{sandbox_url}/faults", {**order, **parameters})["id"]


def armed(sandbox_url):
    """The faults that may still strike."""
    return _call("GET", f"{sandbox_url}/faults")["faults"]


def disarm(sandbox_url, number=None):
    """Take one fault back, or all; then held notifications go out and every payment tells the truth again."""
    _call("DELETE", f"{sandbox_url}/faults" if number is None else f"{sandbox_url}/faults/{number}")


def act(sandbox_url, *, gateway, act, reference="", **parameters):
    """Let the other side do something; returns what came of it."""
    order = {"gateway": gateway, "act": act, "reference": reference}
    return _call("POST", f"{sandbox_url}/acts", {**order, **parameters})


@contextmanager
def armed_while(sandbox_url, **order):
    """The fault is armed inside the block and gone after it, spent or not."""
    number = arm(sandbox_url, times=order.pop("times", 0), **order)
    try:
        yield number
    finally:
        requests.delete(f"{sandbox_url}/faults/{number}", timeout=10)


def struck(sandbox_url, number=None):
    """The lines of the sandbox's log about faults that have struck, or about this one."""
    return [line for line in log(sandbox_url, "fault") if number in {None, line["fault_id"]}]


def log(sandbox_url, kind, reference=""):
    """The lines of the sandbox's log of this kind, about this reference or about all."""
    lines = requests.get(f"{sandbox_url}/log.jsonl", timeout=10).text.splitlines()
    entries = [entry for entry in map(json.loads, lines) if entry["kind"] == kind]
    return [entry for entry in entries if not reference or reference in entry["references"]]


def _call(method, url, body=None):
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, url, json=body, timeout=30)
    assert answer.ok, f"{method} {url} {body}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None
