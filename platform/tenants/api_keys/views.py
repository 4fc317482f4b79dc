"""The native API's doors to keys."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api_keys.serializers import (
    KeyChangeSerializer,
    KeyOrderSerializer,
    KeySerializer,
    NewKeySerializer,
    RotationSerializer,
)
from tenants.api_keys.services import KeyTerms, change_key, find_key, make_key, revoke, rotate_key
from tenants.authentication import caller
from tenants.models import ApiKey, Scope
from wire.fields import StrictSerializer
from wire.paging import PAGE_PARAMETERS, listing, page, page_of

MANAGE = dict.fromkeys(("GET", "HEAD", "POST", "PATCH", "DELETE"), Scope.MANAGE)


class Keys(APIView):
    """The tenant's keys."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(responses=page_of(KeySerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List the keys, newest first; those that have ended too."""
        owned = ApiKey.objects.for_tenant(caller(request).tenant).select_related("created_by")
        rows, has_more = page(owned, request.query_params, "key")
        return Response(listing(rows, has_more, KeySerializer().to_representation))

    @extend_schema(request=KeyOrderSerializer, responses={201: NewKeySerializer})
    def post(self, request: Request) -> Response:
        """Make a key. Its secret is in this answer alone; it may do at most what you may."""
        terms = KeyTerms(**_said(KeyOrderSerializer(data=request.data)))
        return _shown_once(*make_key(caller(request), terms))


class Key(APIView):
    """One key."""

    scopes = MANAGE

    @extend_schema(responses=KeySerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one key, without what opens the door."""
        return Response(KeySerializer(find_key(caller(request).tenant, id)).data)

    @extend_schema(request=KeyChangeSerializer, responses=KeySerializer)
    def patch(self, request: Request, id: str) -> Response:
        """Change a key's name, expiry or limits; what is absent stays."""
        key = find_key(caller(request).tenant, id)
        changes = _said(KeyChangeSerializer(data=request.data))
        return Response(KeySerializer(change_key(caller(request), key, changes)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Revoke a key: it is refused within a second, on open streams too. What it asked for is done all the same."""
        revoke(caller(request), find_key(caller(request).tenant, id))
        return Response(status=204)


class Rotate(APIView):
    """A key that takes another's place."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=RotationSerializer, responses={201: NewKeySerializer})
    def post(self, request: Request, id: str) -> Response:
        """Make a new key with the same rights; the old one goes on for the overlap, a day unless you say otherwise."""
        key = find_key(caller(request).tenant, id)
        return _shown_once(*rotate_key(caller(request), key, **_said(RotationSerializer(data=request.data))))


def _said(asked: StrictSerializer) -> dict[str, Any]:
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _shown_once(key: ApiKey, secret: str) -> Response:
    data = KeySerializer(key).data | {"secret": secret}
    return Response(data, status=201, headers={"Location": f"/api/v1/keys/{key.pk}"})
