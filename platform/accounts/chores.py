"""What does nobody need any longer? Sessions that have run out, the notes about them, counts of attempts long ago."""

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import CacheEntry


def forget_expired() -> None:
    """Remove them."""
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.filter(~Exists(Session.objects.filter(session_key=OuterRef("session_key")))).delete()
    CacheEntry.objects.filter(expires__lt=now).delete()
