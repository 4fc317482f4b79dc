"""The native API's door to quotes."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import orders
from generation.quoting.serializers import QuoteSerializer, quote_json
from generation.quoting.services import quote
from generation.terms import CANCEL_AFTER
from jobs.waiting import waits
from tenants.authentication import caller
from tenants.models import Scope


class Quotes(APIView):
    """What a request would cost."""

    once = "apart"
    scopes = {"POST": Scope.GENERATE}

    @extend_schema(request=orders.OrderSerializer, responses=QuoteSerializer, parameters=[CANCEL_AFTER])
    def post(self, request: Request) -> Response:
        """Ask what a generation would cost and when it would be done. Its fields are those of POST /generations; name
        the quote's id there as `quote` within ten minutes, and no more is charged. If it would be refused now for want
        of room or time, `refusal` says so."""
        return Response(quoted(request))


def quoted(request: Request) -> dict[str, object]:
    """Return the quote for the generation that the request asks for. Raises ApiError for what is wrong with it."""
    asked = orders.OrderSerializer(data=request.data)
    asked.is_valid(raise_exception=True)
    wanted = orders.order(caller(request), asked.validated_data)
    return quote_json(*quote(caller(request), orders.hurried(wanted, request.headers)))


quotes = waits(Quotes.as_view())  # in a pool of their own: they take pictures in, as asking for them does
