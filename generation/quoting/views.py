"""The native API's door to quotes."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import orders
from generation.quoting.serializers import QuoteSerializer, quote_json
from generation.quoting.services import quote
from jobs.waiting import waits
from tenants.authentication import caller
from tenants.models import Scope


class Quotes(APIView):
    """What a request would cost."""

    once = "apart"
    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=orders.OrderSerializer, responses=QuoteSerializer)
    def post(self, request: Request) -> Response:
        """Ask what a generation would cost and when it would be done. Its fields are those of POST /generations; name
        the quote's id there as `quote` within ten minutes, and no more is charged."""
        return Response(quoted(request))


def quoted(request: Request) -> dict[str, object]:
    """Return the quote for the generation that the request's fields ask for. Raises ApiError as asking for it does."""
    asked = orders.OrderSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    tenant = caller(request).tenant
    return quote_json(*quote(tenant, orders.order(caller(request), asked.validated_data)))


quotes = waits(Quotes.as_view())  # in a pool of their own: they take pictures in, as asking for them does
