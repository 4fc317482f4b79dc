"""What do a page's views know of a request?"""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PageRequest(HttpRequest):
    """A request that may come from htmx, which wants a part of the page."""

    htmx: HtmxDetails
