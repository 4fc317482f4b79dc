"""What may an operator do with people's accounts? Correct an address, and help whoever has lost a second factor."""

from typing import Any, cast

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401 - registered by now, so that we may take their pages away
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.addresses import vouch_for
from accounts.services import end_sessions, remove_second_factors
from tenants.admin import PeopleAdmin
from tenants.models import User

# Their pages show secrets, and would let an address be changed in one place of two.
for model in (Authenticator, EmailAddress, UserSession, User):
    admin.site.unregister(model)


@admin.register(User)
class AccountsAdmin(PeopleAdmin):
    """The people who sign in."""

    actions = ["remove_second_factors", "sign_out"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store the person; an address that an operator typed counts as proven."""
        super().save_model(request, obj, form, change)
        vouch_for(obj)

    @admin.action(description="Remove second factors: let them sign in by password alone")
    def remove_second_factors(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """Help people who have lost their phone and their codes."""
        for person in people:
            remove_second_factors(person, operator=cast(User, request.user))
        messages.success(request, "Their passwords are enough now. They can set up another second factor.")

    @admin.action(description="Sign out everywhere")
    def sign_out(self, request: HttpRequest, people: QuerySet[User]) -> None:
        """End all sessions of these people."""
        for person in people:
            end_sessions(person)
