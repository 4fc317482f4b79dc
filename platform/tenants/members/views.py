"""The native API's doors to members and invitations. All of them want the scope `manage`."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import caller
from tenants.members import invitations, services
from tenants.members.serializers import (
    InvitationSerializer,
    InviteSerializer,
    MemberSerializer,
    RoleSerializer,
    invitation_json,
    member_json,
)
from tenants.models import Invitation, Membership, Scope
from wire.paging import PAGE_PARAMETERS, listing, page, page_of

MANAGE = dict.fromkeys(["GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"], Scope.MANAGE)


class Members(APIView):
    """Who belongs to your tenant."""

    scopes = MANAGE

    @extend_schema(responses=page_of(MemberSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List your tenant's members, the last to join first."""
        owned = Membership.objects.for_tenant(caller(request).tenant).select_related("user")
        return Response(listing(*page(owned, request.query_params, "mem"), member_json))


class OneMember(APIView):
    """One member."""

    scopes = MANAGE

    @extend_schema(responses=MemberSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one member."""
        return Response(member_json(services.find_member(caller(request).tenant, id)))

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    def patch(self, request: Request, id: str) -> Response:
        """Give a member another role. Only owners, signed in, touch owners; the last owner stays one."""
        services.find_member(caller(request).tenant, id)
        asked = RoleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(member_json(services.change_role(caller(request), id, asked.validated_data["role"])))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Remove a member: they are refused from their next request on. Keys that they made stay the tenant's."""
        services.remove_member(caller(request), id)
        return Response(status=204)


class Transfer(APIView):
    """Ownership, handed over."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=None, responses=MemberSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Make this member an owner and yourself, who must be one and signed in, an admin."""
        return Response(member_json(services.transfer_ownership(caller(request), id)))


class Invitations(APIView):
    """Who was asked to join."""

    once = "apart"
    scopes = MANAGE

    @extend_schema(responses=page_of(InvitationSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List your tenant's invitations, whatever became of them, newest first."""
        owned = Invitation.objects.for_tenant(caller(request).tenant).select_related("invited_by")
        return Response(listing(*page(owned, request.query_params, "inv"), invitation_json))

    @extend_schema(request=InviteSerializer, responses={201: InvitationSerializer})
    def post(self, request: Request) -> Response:
        """Invite somebody by e-mail; the link in the mail is good for seven days."""
        asked = InviteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        invitation = invitations.invite(caller(request), **asked.validated_data)
        return Response(invitation_json(invitation), status=201)


class OneInvitation(APIView):
    """One invitation."""

    scopes = MANAGE

    @extend_schema(responses=InvitationSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one invitation."""
        return Response(invitation_json(invitations.find_invitation(caller(request).tenant, id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Withdraw the invitation: its link is void from now on."""
        invitations.withdraw(caller(request), id)
        return Response(status=204)


class Resend(APIView):
    """An invitation's mail, once more."""

    once = "apart"
    scopes = MANAGE

    @extend_schema(request=None, responses=InvitationSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Mail a new link, good for seven days from now; the old one is void."""
        return Response(invitation_json(invitations.resend(caller(request), id)))
