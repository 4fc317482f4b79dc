"""Whose e-mail addresses count as proven? Those that a mail was answered from, and those that an operator typed."""

from allauth.account.models import EmailAddress
from django.db import transaction

from tenants.models import User


def is_vouched_for(user: User) -> bool:
    """Return whether an operator set this address: allauth keeps a primary one for whoever signed up alone."""
    primary = EmailAddress.objects.get_primary(user)
    return primary is None or primary.email != user.email


def vouch_for(user: User) -> None:
    """Count this account's address as proven, and no other of its addresses any longer."""
    with transaction.atomic():
        EmailAddress.objects.filter(user=user).exclude(email=user.email).delete()
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"primary": True, "verified": True})


def belongs_to_another(address: EmailAddress) -> bool:
    """Return whether somebody else signs in with this address."""
    return User.objects.filter(email=address.email).exclude(pk=address.user_id).exists()
