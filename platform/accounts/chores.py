"""What does nobody need any longer? Sessions that have run out, the notes about them, counts of attempts long ago, and
accounts whose address nobody has confirmed."""

import logging
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import CacheEntry
from tenants.audit import record
from tenants.models import AuditChain, AuditEvent, Membership, Tenant, User
from tenants.services import ITSELF

log = logging.getLogger(__name__)

UNCONFIRMED_KEPT = timedelta(days=30)
# What every tenant has from its first moment on.
ALWAYS_THERE = (Membership, AuditChain, AuditEvent)


def forget_expired() -> None:
    """Remove what has run out."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(~Exists(Session.objects.filter(session_key=OuterRef("session_key")))).delete()
    CacheEntry.objects.filter(expires__lt=now).delete()


def remove_unconfirmed() -> None:
    """Remove who signed up a month ago and never confirmed the address, so that whose it is can sign up.

    Their own tenant, where nobody has ever been, stays behind: nothing is taken out of its audit, which says why it has
    no owner. Whoever is in a tenant with others or with something in it stays too: an operator saw to that.
    """
    removed = [pk for pk in _unconfirmed().values_list("pk", flat=True) if _is_removed(pk)]
    if removed:
        log.info("removed %s accounts whose address nobody confirmed", len(removed))


def _unconfirmed() -> QuerySet[User]:
    own = EmailAddress.objects.filter(user=OuterRef("pk"))
    return User.objects.filter(
        Exists(own.filter(email=OuterRef("email"))),  # an address that an operator typed needs no mail
        ~Exists(own.filter(verified=True)),
        created_at__lt=timezone.now() - UNCONFIRMED_KEPT,
        last_login=None,
        is_staff=False,
    )


def _is_removed(pk: int) -> bool:
    """Remove the account, if it still is unconfirmed and no tenant of its would be missed by anybody."""
    with transaction.atomic():
        user = _unconfirmed().select_for_update().filter(pk=pk).first()
        tenants = list(user.tenants.all()) if user else []
        if user is None or not all(map(_is_untouched, tenants)):
            return False
        user.delete()
        for tenant in tenants:
            record("account.removed", tenant=tenant, actor=ITSELF, subject=user.email)
    return True


def _is_untouched(tenant: Tenant) -> bool:
    """Return whether a tenant has one member, and nothing else but an audit."""
    if tenant.members.count() > 1:
        return False
    owned = [model for model in apps.get_models() if model not in ALWAYS_THERE and _is_owned(model)]
    return not any(model._default_manager.filter(tenant=tenant).exists() for model in owned)


def _is_owned(model: type[Model]) -> bool:
    return any(field.name == "tenant" for field in model._meta.concrete_fields)
