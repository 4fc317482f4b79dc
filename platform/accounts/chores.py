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
from tenants.audit import record_for
from tenants.models import AuditChain, AuditEvent, Membership, Tenant, User
from tenants.services import ITSELF

log = logging.getLogger(__name__)

UNCONFIRMED_KEPT = timedelta(days=30)
REMOVED_AT_ONCE = 100  # each is a transaction, and the scheduler has other things to do
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
    oldest = _unconfirmed().order_by("created_at").values_list("pk", flat=True)[:REMOVED_AT_ONCE]
    removed = [pk for pk in oldest if _is_removed(pk)]
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
        if user is None or len(tenants) > 1 or not all(_is_untouched(tenant, user) for tenant in tenants):
            return False
        user.delete()
        record_for([tenant.pk for tenant in tenants], "account.removed", actor=ITSELF, subject=user.email)
    return True


def _is_untouched(tenant: Tenant, user: User) -> bool:
    """Return whether a tenant has this one member, nothing else but an audit, and nobody else in that."""
    by_others = AuditEvent.objects.filter(tenant=tenant).exclude(actor__in=["", ITSELF, user.email])
    if tenant.members.count() > 1 or by_others.exists():
        return False
    owned = [model for model in apps.get_models() if model not in ALWAYS_THERE and _is_owned(model)]
    return not any(model._default_manager.filter(tenant=tenant).exists() for model in owned)


def _is_owned(model: type[Model]) -> bool:
    return any(field.name == "tenant" for field in model._meta.concrete_fields)
