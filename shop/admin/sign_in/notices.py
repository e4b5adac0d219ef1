"""What people are told by mail about signing in: guessing, changes of the second factor, and the link.

A mail of each kind goes out at most once an hour per account, one to each who is told.
"""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import override

from shop import clock, mail
from shop.audit import subjects, trail
from shop.background import outbox
from shop.web.rate_limit import RateLimit

from . import limits, links

ALARM, CHANGE, LINK = "mail.sign_in_alarm", "mail.second_factor_changed", "mail.sign_in_link"
LINKS = RateLimit("sign-in-link", 3, minutes=60)  # to one account
LINKS_ASKED = RateLimit("sign-in-link-asked", 10, minutes=60)  # from one network


# --- guessing ---


def after_wrong_password(username: str) -> None:
    """Tell the person, and the owner, of a burst for one account; the owner alone of very many over all."""
    if limits.ACCOUNT.total(minutes=limits.ACCOUNT.minutes) >= limits.ALARM_ALL:
        _alarm("all", None)
    name = limits.name_key(username)
    if limits.ACCOUNT.count(name) >= limits.ALARM_ACCOUNT:
        user = User.objects.filter(username=User.normalize_username(username), is_staff=True).first()
        if user:
            _alarm("password", user)


def after_wrong_code(request: HttpRequest, user: User) -> None:
    """Somebody who knows the password guesses codes."""
    if limits.CODE.count(limits.browser_key(request, user)) >= limits.ALARM_CODES:
        _alarm("code", user)


@transaction.atomic
def _alarm(kind: str, user: User | None) -> None:
    hour = f"{localtime(clock.now()):%Y-%m-%d %H}"
    owners = User.objects.filter(is_superuser=True, is_active=True)
    told = {each.email for each in [*owners, *([user] if user else [])] if each.email}
    if user is None:
        told |= set(settings.MERCHANT_EMAILS)
    about = user.pk if user else None
    for person in [*owners, *([user] if user else [])]:
        if person.email in told:
            told.discard(person.email)
            key = f"{kind}:{about or ''}:{hour}:{person.pk}"
            outbox.publish(ALARM, key=key, kind=kind, hour=hour, about=about, to=person.pk)
    if told:  # the shop's own inboxes
        outbox.publish(ALARM, key=f"{kind}::{hour}:shop", kind=kind, hour=hour, about=None, to=None)


@outbox.subscribe(ALARM, peer="mail")
def tell_of_sign_ins(kind: str, hour: str, about: int | None, to: int | None) -> None:
    person = User.objects.filter(pk=to).first() if to else None
    user = User.objects.filter(pk=about).first() if about else None
    if (to and person is None) or (about and user is None):
        return
    with override(settings.LANGUAGE_CODE):
        url = settings.SITE_URL + reverse("sign_in:account")
    context = {"kind": kind, "hour": hour, "account": user, "is_own": user == person, "account_url": url}
    mail.send(
        "sign_in_alarm",
        to=[person.email] if person else settings.MERCHANT_EMAILS,
        context=context,
        language=settings.LANGUAGE_CODE,
        message_key=f"sign-in-alarm-{kind}-{about}-{hour}-{to}",
    )


# --- changes of the second factor ---


def publish_change(user: User, what: str) -> None:
    """``what``: set_up, removed, new_codes, recovery_code_used."""
    with transaction.atomic():
        person = subjects.Subject(user._meta.label_lower, str(user.pk))
        trail.record(trail.Deed.ACCOUNT, person, detail=f"second factor: {what.replace('_', ' ')}")
        outbox.publish(
            CHANGE, key=secrets.token_hex(12), what=what, user_id=user.pk, at=clock.now().isoformat()
        )


@outbox.subscribe(CHANGE, peer="mail")
def tell_of_change(what: str, user_id: int, at: str) -> None:
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return
    with override(settings.LANGUAGE_CODE):
        url = settings.SITE_URL + reverse("sign_in:account")
    mail.send(
        "second_factor_changed",
        to=[user.email],
        context={"what": what, "account": user, "account_url": url},
        language=settings.LANGUAGE_CODE,
        message_key=f"second-factor-{what}-{user_id}-{at}",
    )


# --- the link that makes a browser a known one ---


def ask_for_link(request: HttpRequest, username: str, language: str) -> None:
    """Mail a link to the account's address, if there is such an account. Whoever asks cannot tell."""
    if not LINKS_ASKED.take(request):
        return
    user = User.objects.filter(
        username=User.normalize_username(username.strip()), is_staff=True, is_active=True
    ).first()
    if user is None or not user.email or not LINKS.take(str(user.pk)):
        return
    with transaction.atomic():
        outbox.publish(LINK, key=secrets.token_hex(12), user_id=user.pk, language=language)


@outbox.subscribe(LINK, peer="mail")
def send_link(user_id: int, language: str) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    context: dict[str, Any] = {"account": user, "link": links.make(user, language), "minutes": links.MINUTES}
    mail.send(
        "sign_in_link",
        to=[user.email],
        context=context,
        language=language,
        message_key=f"sign-in-link-{secrets.token_hex(8)}",
    )
