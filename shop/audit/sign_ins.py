"""Entries for what no page of ours does: sign-ins, and changes of accounts, groups and permissions."""

import datetime as dt
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from shop import clock
from shop.models import AuditEntry
from shop.web.client_address import client_address
from shop.web.rate_limit import network_of

from . import subjects, trail

Deed = trail.Deed
HOUR = dt.timedelta(hours=1)
# Of failed sign-ins anybody can make any number: so many are told of in an hour. Those of an account of ours
# are counted by themselves, so no number of others, and of invented names, hides one.
MOST_INVENTED, MOST_INVENTED_OF_ONE = 500, 30  # from everywhere, from one network
MOST_OF_ACCOUNT, MOST_OF_ACCOUNT_OF_ONE = 300, 30
CHANGES = {"post_add": "+", "post_remove": "-", "post_clear": "none"}


@receiver(user_logged_in, dispatch_uid="audit.signed_in")
def signed_in(user: User, **_kwargs: Any) -> None:
    trail.record(Deed.SIGN_IN, _of(user), actor=user.get_username())


@receiver(user_logged_out, dispatch_uid="audit.signed_out")
def signed_out(user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        trail.record(Deed.SIGN_OUT, _of(user), actor=user.get_username())


@receiver(user_login_failed, dispatch_uid="audit.sign_in_failed")
def sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """With the name only if it is somebody's: else it may be a password in the wrong field."""
    if request is None:
        return
    typed = str(credentials.get("username") or "")
    user = User.objects.filter(username=typed).first()
    name = user.get_username() if user else ""
    if not _is_flooded(client_address(request), name):
        trail.record(Deed.SIGN_IN_FAILED, _of(user) if user else trail.NOTHING, actor=name)


def _is_flooded(address: str, name: str) -> bool:
    """Whether enough was told of this account, or of names that are nobody's."""
    most, most_of_one = (
        (MOST_OF_ACCOUNT, MOST_OF_ACCOUNT_OF_ONE) if name else (MOST_INVENTED, MOST_INVENTED_OF_ONE)
    )
    failures = AuditEntry.objects.filter(deed=Deed.SIGN_IN_FAILED, at__gt=clock.now() - HOUR, actor=name)
    told = [network_of(each) for each in failures.values_list("network", flat=True)[:most]]
    return len(told) >= most or told.count(network_of(address)) >= most_of_one


def _of(row: User | Group) -> subjects.Subject:
    return subjects.Subject(row._meta.label_lower, str(row.pk))


# --- accounts and what they may ---


@receiver(post_save, sender=User, dispatch_uid="audit.account")
@receiver(post_save, sender=Group, dispatch_uid="audit.group")
def saved(instance: User | Group, *, created: bool, update_fields: Any = None, **kwargs: Any) -> None:
    if kwargs.get("raw") or (update_fields and set(update_fields) == {"last_login"}):  # signing in saves it
        return
    flags = [name for name in ("is_active", "is_staff", "is_superuser") if getattr(instance, name, False)]
    trail.record(Deed.ACCOUNT, _of(instance), detail=" ".join(["made" if created else "saved", *flags]))


@receiver(post_delete, sender=User, dispatch_uid="audit.account_deleted")
@receiver(post_delete, sender=Group, dispatch_uid="audit.group_deleted")
def deleted(instance: User | Group, **_kwargs: Any) -> None:
    trail.record(Deed.ACCOUNT, _of(instance), detail="deleted")


@receiver(m2m_changed, sender=User.groups.through, dispatch_uid="audit.groups")
@receiver(m2m_changed, sender=User.user_permissions.through, dispatch_uid="audit.own_permissions")
@receiver(m2m_changed, sender=Group.permissions.through, dispatch_uid="audit.group_permissions")
def allowed(instance: User | Group, action: str, model: Any, pk_set: set[int] | None, **kwargs: Any) -> None:
    if action not in CHANGES or (pk_set is not None and not pk_set):
        return
    rows = model._default_manager.filter(pk__in=pk_set or ())
    names = " ".join(sorted(getattr(row, "codename", "") or row.name for row in rows))
    kind = "into" if kwargs.get("reverse") else model._meta.model_name
    trail.record(Deed.PERMISSIONS, _of(instance), detail=f"{CHANGES[action]} {kind} {names}")
