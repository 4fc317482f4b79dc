"""The native API's doors to webhooks: endpoints, their secrets, and how deliveries went."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.authentication import caller
from tenants.models import Scope
from webhooks import services
from webhooks.models import Delivery, Endpoint
from webhooks.secrets import live_secrets, request_secrets
from webhooks.serializers import (
    DeliverySerializer,
    EndpointChangeSerializer,
    EndpointOrderSerializer,
    EndpointSerializer,
    NewEndpointSerializer,
    SecretSerializer,
    endpoint_json,
    secrets_json,
)
from webhooks.services import find_delivery, find_endpoint
from wire.paging import PAGE_PARAMETERS, list_of, listing, page, page_of
from wire.queries import one_of

MANAGE = dict.fromkeys(("GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"), Scope.MANAGE)
SECRETS = list_of(SecretSerializer)
STATES = Delivery.State.values
STATE = OpenApiParameter("state", str, enum=STATES, description="Those that are in it alone.")


class Webhooks(APIView):
    """The addresses that hear of everything that happens."""

    once = "apart"
    scopes = MANAGE

    @extend_schema(request=EndpointOrderSerializer, responses={201: NewEndpointSerializer})
    def post(self, request: Request) -> Response:
        """Let an address hear of events. The answer shows the secret that signs its messages."""
        asked = EndpointOrderSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        endpoint, secret = services.add_endpoint(caller(request), **asked.validated_data)
        return Response(endpoint_json(endpoint, secret), status=201)

    @extend_schema(responses=page_of(EndpointSerializer), parameters=PAGE_PARAMETERS)
    def get(self, request: Request) -> Response:
        """List your tenant's webhooks, newest first."""
        rows, has_more = page(Endpoint.objects.for_tenant(caller(request).tenant), request.query_params, "whk")
        return Response(listing(rows, has_more, EndpointSerializer().to_representation))


class OneWebhook(APIView):
    """One address that hears of what happens."""

    scopes = MANAGE

    @extend_schema(responses=EndpointSerializer)
    def get(self, request: Request, id: str) -> Response:
        """Return one webhook, without its secret."""
        return Response(EndpointSerializer(find_endpoint(caller(request).tenant, id)).data)

    @extend_schema(request=EndpointChangeSerializer, responses=EndpointSerializer)
    def patch(self, request: Request, id: str) -> Response:
        """Change its address, description or events; disable it, or enable it again."""
        endpoint = find_endpoint(caller(request).tenant, id)
        asked = EndpointChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        services.change_endpoint(caller(request), endpoint, asked.validated_data)
        return Response(EndpointSerializer(endpoint).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        """Delete the webhook and what is known of its deliveries."""
        services.delete_endpoint(caller(request), find_endpoint(caller(request).tenant, id))
        return Response(status=204)


class Rotate(APIView):
    """A new secret for a webhook."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=None, responses=NewEndpointSerializer)
    def post(self, request: Request, id: str) -> Response:
        """Make a new secret, once a day: for 24 hours messages bear two signatures, by it and by the one before."""
        endpoint = find_endpoint(caller(request).tenant, id)
        return Response(endpoint_json(endpoint, services.rotate_secret(caller(request), endpoint)))


class Try(APIView):
    """A message that means nothing."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, id: str) -> Response:
        """Send a `webhook.test` message. The answer is its delivery, which is under way."""
        delivery = services.send_test(find_endpoint(caller(request).tenant, id))
        return Response(DeliverySerializer(delivery).data, status=202)


class RequestSecrets(APIView):
    """What signs the messages to addresses that requests name in their field `webhook`."""

    scopes = MANAGE

    @extend_schema(responses=SECRETS)
    def get(self, request: Request) -> Response:
        """Return the secrets in use, the newest first; two for a day after a rotation."""
        return Response(secrets_json(request_secrets(caller(request).tenant.pk)))


class RotateRequestSecret(APIView):
    """A new secret for the addresses that requests name."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=None, responses=SECRETS)
    def post(self, request: Request) -> Response:
        """Make a new secret, once a day: for 24 hours messages bear two signatures, by it and by the one before."""
        services.rotate_secret(caller(request), None)
        return Response(secrets_json(live_secrets(caller(request).tenant.pk, None)))


class Deliveries(APIView):
    """How messages fared: those to one webhook, or all of the tenant's."""

    scopes = MANAGE

    @extend_schema(responses=page_of(DeliverySerializer), parameters=[*PAGE_PARAMETERS, STATE])
    def get(self, request: Request, id: str | None = None) -> Response:
        """List deliveries with their attempts, newest first. They are kept for 30 days."""
        tenant = caller(request).tenant
        owned = Delivery.objects.for_tenant(tenant).select_related("message", "endpoint").prefetch_related("log")
        if id is not None:
            owned = owned.filter(endpoint=find_endpoint(tenant, id))
        if "state" in request.query_params:
            owned = owned.filter(state=one_of(request.query_params, "state", STATES))
        rows, has_more = page(owned, request.query_params, "dlv")
        return Response(listing(rows, has_more, DeliverySerializer().to_representation))


class Replay(APIView):
    """A message once more."""

    once = "whole"
    scopes = MANAGE

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request: Request, delivery: str, id: str | None = None) -> Response:
        """Send a message again at once, the same body under the same webhook-id."""
        tenant = caller(request).tenant
        endpoint = find_endpoint(tenant, id) if id is not None else None
        found = find_delivery(tenant, delivery, endpoint)
        services.replay(found)
        return Response(DeliverySerializer(found).data, status=202)


@extend_schema_view(get=extend_schema(operation_id="webhooks_deliveries_of_one_list"))
class DeliveriesOfOne(Deliveries):
    """How messages to one webhook fared."""


@extend_schema_view(post=extend_schema(operation_id="webhooks_deliveries_of_one_replay_create"))
class ReplayOfOne(Replay):
    """A message to one webhook once more."""
