"""What would a request cost, when would it be done, and what would be cheaper or sooner?"""

from collections.abc import Sequence
from dataclasses import dataclass

from generation.models import GenerationJob
from generation.orders import Order
from generation.prices import Price, prices
from generation.promises import digest_of
from generation.quoting.alternatives import Alternative, alternatives
from generation.services import check_room, drafted
from jobs.forecast import Forecast, Outlook
from quotas.models import Quote
from quotas.quotes import keep_quote
from tenants.callers import Caller
from wire.errors import ApiError


@dataclass(frozen=True)
class Option:
    """An alternative with its price and forecast."""

    alternative: Alternative
    price: Price
    forecast: Forecast


@dataclass(frozen=True)
class Estimate:
    """What a request would cost and when it would be done, with those alternatives that cost less or end sooner.

    The refusal is what asking for it now would meet.
    """

    price: Price
    forecast: Forecast
    refusal: ApiError | None
    cheaper: tuple[Option, ...]
    sooner: tuple[Option, ...]

    @property
    def said(self) -> str:
        """Return it as a sentence."""
        price, forecast = self.price, self.forecast
        cost = f"About {price.charged_ms / 1000:.1f} GPU-seconds, {price.quoted_ms / 1000:.1f} at most."
        begin = f"begin in about {in_words(forecast.start_p50)} and " if forecast.start_p50 >= 1 else ""
        return f"{cost} It would {begin}be done in about {in_words(forecast.finish_p50)}."


def in_words(seconds: float) -> str:
    """Return a time as people say it: 8 s, 4 min, 2 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{round(seconds / 3600)} h"


def estimate(caller: Caller, order: Order) -> Estimate:
    """Return the estimate for an order; the same few queries, however many alternatives. Raises ApiError."""
    others = alternatives(order)
    price, *other_prices = prices([order, *(other.order for other in others)])
    outlook = Outlook.of(GenerationJob, caller.tenant.pk)
    options = [
        Option(other, own, outlook.new_job(own.takes_ms, other.order.terms.tier))
        for other, own in zip(others, other_prices, strict=True)
    ]
    forecast = outlook.new_job(price.takes_ms, order.terms.tier)
    return Estimate(price, forecast, _refusal(caller, order), _cheaper(options, price), _sooner(options, forecast))


def _refusal(caller: Caller, order: Order) -> ApiError | None:
    try:
        check_room(caller, [drafted(caller, order)])
    except ApiError as refusal:
        return refusal
    return None


def _cheaper(options: Sequence[Option], than: Price) -> tuple[Option, ...]:
    cheaper = (option for option in options if option.price.quoted_ms < than.quoted_ms)
    return tuple(sorted(cheaper, key=lambda option: option.price.quoted_ms))


def _sooner(options: Sequence[Option], than: Forecast) -> tuple[Option, ...]:
    sooner = (option for option in options if round(option.forecast.finish_p50, 1) < round(than.finish_p50, 1))
    return tuple(sorted(sooner, key=lambda option: option.forecast.finish_p50))


def quote(caller: Caller, order: Order) -> tuple[Quote, Estimate]:
    """Return the estimate for an order, and the promise to charge no more if it comes within minutes."""
    found = estimate(caller, order)
    return keep_quote(caller.tenant, digest_of(order), found.price.quoted_ms), found
