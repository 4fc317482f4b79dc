"""How does a refusal look? One shape for every route and dialect: `{"error": {message, type, param, code}}`.

What a tenant's limit refuses also has `limit: {name, limit, used, requested, resets_at}`.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response

# What Django raises when the database does not answer, as opposed to when it refuses a statement.
OUT_OF_REACH = (OperationalError, InterfaceError)

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}

# DRF's own validation codes in our words.
CODES = {
    "required": "missing_required_parameter",
    "null": "invalid_type",
    "blank": "empty_string",
    "invalid": "invalid_type",
    "max_length": "string_above_max_length",
    "invalid_choice": "invalid_value",
}


class ApiError(Exception):
    """A refusal with its status, code and a sentence the caller can act on."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        limit: dict[str, Any] | None = None,
        **headers: str,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.limit = status, code, message, param, limit
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def body(self) -> dict[str, Any]:
        """The JSON that the caller gets."""
        kind = TYPES.get(self.status, "invalid_request_error")
        told = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": told if self.limit is None else told | {"limit": self.limit}}


REFUSALS = (ApiError, *OUT_OF_REACH)


def missing() -> ApiError:
    """Return the answer for an object that is not there or is another tenant's: the two must not differ by a byte."""
    return ApiError(404, "not_found", "There is nothing here under that id.")


def answer(error: ApiError) -> JsonResponse:
    """Return the error as a plain Django response, for views that are not DRF's."""
    return JsonResponse(error.body, status=error.status, headers=error.headers)


def answers_refusals(view: Callable[..., Awaitable[HttpResponseBase]]) -> Callable[..., Any]:
    """Return the asynchronous view with its refusals, and a database out of reach, turned into answers."""

    @wraps(view)
    async def answering(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            return await view(request, **kwargs)
        except REFUSALS as refusal:
            return answer(translated(refusal))

    return answering


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer every exception a DRF view raises in the one shape; None lets a bug fly on to handler500."""
    error = as_api_error(exc)
    return None if error is None else Response(error.body, status=error.status, headers=error.headers)


def as_api_error(exc: Exception) -> ApiError | None:
    """Translate what Django and DRF raise; None for what nobody expected."""
    if isinstance(exc, REFUSALS):
        return translated(exc)
    if isinstance(exc, exceptions.ValidationError):
        return first_refusal(exc.detail)
    return next((error(exc) for kinds, error in TRANSLATIONS.items() if isinstance(exc, kinds)), None)


def translated(refusal: Exception) -> ApiError:
    """Return a refusal as it is, and a database out of reach in words."""
    if isinstance(refusal, ApiError):
        return refusal
    message = "The database is out of reach. Try again shortly."
    return ApiError(503, "service_unavailable", message, retry_after="5")


def first_refusal(detail: Any, path: str = "") -> ApiError:
    """Return the first of DRF's nested validation errors, with the path of its field (`loras[0].weight`)."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        if isinstance(name, int):  # the place in a list
            return first_refusal(inner, f"{path}[{name}]")
        own = "" if name == "non_field_errors" else str(name)
        return first_refusal(inner, f"{path}.{own}" if path and own else path or own)
    if isinstance(detail, list) and detail and isinstance(detail[0], exceptions.ErrorDetail):
        code = str(detail[0].code)
        return ApiError(400, CODES.get(code, code), str(detail[0]), param=path or None)
    position = next(index for index, inner in enumerate(detail) if inner)
    return first_refusal(detail[position], f"{path}[{position}]")


TRANSLATIONS: dict[tuple[type[Exception], ...], Callable[[Exception], ApiError]] = {
    (Http404, exceptions.NotFound): lambda exc: missing(),
    (exceptions.MethodNotAllowed,): lambda exc: ApiError(405, "method_not_allowed", str(exc)),
    (exceptions.ParseError, MultiPartParserError, TooManyFieldsSent, TooManyFilesSent): lambda exc: ApiError(
        400, "invalid_multipart", "The body is no multipart/form-data, is cut off, or has too many parts."
    ),
    (RequestDataTooBig,): lambda exc: ApiError(
        413, "request_too_large", "The texts of this form are too long. Send pictures as parts with a filename."
    ),
    (exceptions.UnsupportedMediaType,): lambda exc: ApiError(
        415,
        "unsupported_media_type",
        "Send the body as application/json, or as multipart/form-data if there are files in it.",
    ),
    (exceptions.NotAcceptable,): lambda exc: ApiError(406, "not_acceptable", "This API answers application/json."),
    (exceptions.PermissionDenied, PermissionDenied): lambda exc: ApiError(
        403, "permission_denied", str(exc) or "You may not do this."
    ),
}


def unknown_url(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer a route that does not exist (handler404 under the API's paths)."""
    return answer(ApiError(404, "unknown_url", f"There is no {request.method} {request.path} here. See /api/v1/docs."))


def bad_request(request: HttpRequest) -> JsonResponse:
    """Answer a request that is no proper HTTP for this server, for example with another's Host (handler400)."""
    return answer(ApiError(400, "bad_request", "This server does not serve that Host, or the request is malformed."))


def internal_error(request: HttpRequest) -> JsonResponse:
    """Answer a bug without showing its inside (handler500 under the API's paths)."""
    return answer(ApiError(500, "internal_error", "Something broke on our side."))
