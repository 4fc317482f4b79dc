"""The native API's door to the audit."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.audit import events_of
from tenants.authentication import caller
from tenants.models import AuditEvent, Scope
from wire.paging import PAGE_PARAMETERS, listing, page, page_of

PARAMETERS = [
    OpenApiParameter("action", str, description="Only this one, as key.revoked, or with key. all of keys."),
    OpenApiParameter("actor", str, description="Only what this e-mail address or key's id did."),
    *PAGE_PARAMETERS,
]


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """One act. `digest` seals it together with the act before it, `number` is its place among the tenant's."""

    object = serializers.ReadOnlyField(default="audit_event")
    created_at = serializers.DateTimeField(source="at")
    detail = serializers.DictField()

    class Meta:
        model = AuditEvent
        fields = [
            "id", "object", "number", "created_at", "actor", "action", "subject", "detail", "address", "digest",
        ]  # fmt: skip


class Audit(APIView):
    """Who did what in the tenant."""

    scopes = {"GET": Scope.MANAGE, "HEAD": Scope.MANAGE}

    @extend_schema(responses=page_of(AuditEventSerializer), parameters=PARAMETERS)
    def get(self, request: Request) -> Response:
        """List what was done, newest first: sign-ins, keys, members, limits, and what operators looked at."""
        found = events_of(caller(request).tenant, request.query_params)
        rows, has_more = page(found, request.query_params, "aud")
        return Response(listing(rows, has_more, AuditEventSerializer().to_representation))
