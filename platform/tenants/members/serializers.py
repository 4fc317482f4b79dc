"""How do members and invitations look in JSON, and what is asked of them? Also the source of the OpenAPI document."""

from typing import Any

from django.core.validators import EmailValidator
from rest_framework import serializers

from tenants.models import Invitation, Membership
from wire.fields import OneOf, StrictSerializer, StrictText

NO_ADDRESS = "email must be an e-mail address, like name@example.com."


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member of your tenant."""

    object = serializers.ReadOnlyField(default="member")
    email = serializers.CharField(source="user.email")
    role = serializers.CharField(help_text="owner, admin, member or viewer.")

    class Meta:
        model = Membership
        fields = ["id", "object", "email", "role", "created_at"]


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation to your tenant; its link is in the mail alone."""

    object = serializers.ReadOnlyField(default="invitation")
    role = serializers.CharField(help_text="owner, admin, member or viewer.")
    status = serializers.CharField(help_text="open, accepted, withdrawn or expired.")
    invited_by = serializers.SerializerMethodField(help_text="Null: a program with a key.")

    class Meta:
        model = Invitation
        fields = [
            "id", "object", "email", "role", "status", "invited_by",
            "created_at", "expires_at", "accepted_at", "withdrawn_at",
        ]  # fmt: skip

    def get_invited_by(self, invitation: Invitation) -> str | None:
        """Return the address of whoever invited."""
        return invitation.invited_by.email if invitation.invited_by else None


class RoleSerializer(StrictSerializer):
    """What may be changed of a member."""

    role = OneOf(Membership.Role.values)


class InviteSerializer(StrictSerializer):
    """Who is invited, and as what."""

    email = StrictText(max_length=254, validators=[EmailValidator(NO_ADDRESS, code="invalid_value")])
    role = OneOf(Membership.Role.values, default=Membership.Role.MEMBER)


def member_json(member: Membership) -> dict[str, Any]:
    """Return the member as the API shows it."""
    return dict(MemberSerializer(member).data)


def invitation_json(invitation: Invitation) -> dict[str, Any]:
    """Return the invitation as the API shows it."""
    return dict(InvitationSerializer(invitation).data)
