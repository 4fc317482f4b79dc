"""Every route x method x principal: who may, may; who may not is refused in the same words; another's is missing."""

import re
from typing import Any

import pytest

from tests.matrix.principals import Principal, everybody
from tests.matrix.routes import (
    ANYBODY,
    MANAGE,
    OPERATOR,
    OWN,
    POLICIES,
    SIGNED_IN,
    Policy,
    console_routes,
    every_route,
)
from wire.ids import new_id

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
TURNED_AWAY = (302, 401, 403, 404, 405)
# What ends a session, a membership or a role comes alone: nobody could be asked anything after it.
ENDINGS = {
    "sign-out",
    "account/sign-out-elsewhere",
    "settings/members/leave",
    "settings/members/<str:id>/transfer",
    "api/v1/members/<str:id>/transfer",
}
REFUSALS = {"missing_api_key": 401, "invalid_api_key": 401, "api_key_expired": 401, "api_key_revoked": 401}
PROVES_NOTHING = {
    "token": "nonsense",
    "extension": "png",
    "name": "nonsense",
    "key": "nonsense",
    "uidb36": "nonsense",
    "pk": "1",
}
UNSTEADY = re.compile(rb"csrfmiddlewaretoken\" value=\"\w+|req_\w+|X-CSRFToken\": \"\w+")


def is_api(route: str) -> bool:
    return route.startswith(("api/", "v1/"))


def address(route: str, policy: Policy, objects: dict[str, str]) -> str:
    """Return the route's path with one of these objects in its parameter's place."""
    own = objects.get(policy.object, "nonsense")
    values = PROVES_NOTHING | {"id": own, "delivery": objects.get("delivery", "nonsense")}
    return "/" + PARAMETER.sub(lambda found: values[found[1]], route)


def knock(principal: Principal, method: str, path: str) -> Any:
    content = {"data": "{}", "content_type": "application/json"} if path.startswith(("/api", "/v1")) else {}
    return principal.client.generic(method, path, **content)


def wanted(policy: Policy, method: str) -> str | None:
    return policy.methods.get("GET" if method == "HEAD" else method)


def test_every_route_declares_who_may_what():
    assert set(every_route()) == set(POLICIES)


def test_nobody_else_may(alice, charlie, objects):
    """All that is asked here changes nothing, so that one world does for all routes."""
    wrong = []
    principals = everybody(alice.tenant, charlie.tenant)
    for route, policy in POLICIES.items():
        for method in METHODS:
            for principal in principals if wanted(policy, method) else principals[:1] + principals[-1:]:
                if not is_deed(policy, principal, method):
                    wrong += asked(route, principal, method, objects)
    assert wrong == []


@pytest.mark.parametrize("routes", [set(POLICIES) - ENDINGS, *({route} for route in sorted(ENDINGS))], ids=len)
def test_who_may_may(alice, charlie, fresh, routes):
    """Everybody meets an object of their own: what they do may be its end."""
    wrong = []
    principals = everybody(alice.tenant, charlie.tenant)
    for route in sorted(routes):
        for method in set(METHODS) & POLICIES[route].methods.keys():
            for principal in principals:
                if is_deed(POLICIES[route], principal, method):
                    kind = POLICIES[route].object
                    wrong += asked(route, principal, method, fresh[kind]() if kind else {})
    assert wrong == []


def asked(route: str, principal: Principal, method: str, objects: dict[str, str]) -> list[str]:
    """Ask, and return what is wrong with the answer."""
    if not is_api(route) and principal.is_program:
        return []
    path = address(route, POLICIES[route], objects)
    complaint = judged(route, POLICIES[route], principal, method, knock(principal, method, path))
    return [f"{method} {path} by {principal.name}: {complaint}"] if complaint else []


def is_deed(policy: Policy, principal: Principal, method: str) -> bool:
    """Return whether they may ask for this, and it may change something that others are asked about."""
    want = wanted(policy, method)
    if want is None or method in ("GET", "HEAD", "OPTIONS"):
        return False
    return want == ANYBODY or (is_welcome(principal, want) and not (principal.is_foreign and policy.object))


def is_welcome(principal: Principal, want: str) -> bool:
    """Return whether they may do what wants this."""
    return principal.may(want) and (want == SIGNED_IN or not principal.refused)


def judged(route: str, policy: Policy, principal: Principal, method: str, answer: Any) -> str:
    """Return what is wrong with the answer, nothing if it is as the policy says."""
    want, status = wanted(policy, method), answer.status_code
    if status >= 500 and not (route == "readyz" and status == 503):  # no worker is there
        return f"broke with {status}"
    if want is None:
        return "" if status in TURNED_AWAY or method == "OPTIONS" else f"was answered {status}"
    if route.startswith("files/"):  # no key opens a link, and this one was not made here
        return "" if status == 403 else f"was answered {status}"
    if want in (ANYBODY, OPERATOR):
        return "" if (status in (401, 403)) == (want == OPERATOR) else f"was answered {status}"
    if is_welcome(principal, want):
        return welcome(policy, principal, answer)
    return refused(route, policy, principal, want, answer)


def welcome(policy: Policy, principal: Principal, answer: Any) -> str:
    """Return what is wrong with how somebody was answered who may; another tenant's object is missing."""
    status = answer.status_code
    if principal.is_foreign and policy.object:
        return "" if status == 404 else f"another tenant's object was answered {status}"
    return "" if status not in (401, 403, 405) else f"may, but was answered {status}: {answer.content[:200]!r}"


def refused(route: str, policy: Policy, principal: Principal, want: str, answer: Any) -> str:
    """Return what is wrong with how somebody was refused."""
    status, lacks_role = answer.status_code, want == OWN and principal.may(MANAGE)
    if lacks_role and principal.is_foreign and status == 404:
        return ""
    if not is_api(route):
        return "" if status in (302, 403) else f"was answered {status}"
    code = principal.refused or ("insufficient_role" if lacks_role else "insufficient_scope")
    if status != REFUSALS.get(code, 403):
        return f"was answered {status} instead of {code}"
    head = answer.wsgi_request.method == "HEAD"
    return "" if head or answer.json()["error"]["code"] == code else f"was told {answer.json()}"


@pytest.mark.parametrize("route", sorted(route for route, policy in POLICIES.items() if policy.object))
def test_anothers_object_looks_exactly_like_none(route, charlie, objects):
    policy = POLICIES[route]
    kind = objects[policy.object].partition("_")[0]
    foreign = address(route, policy, objects)
    missing = address(route, policy, {policy.object: new_id(kind)})
    client = charlie.api if is_api(route) else charlie.browser
    for method in policy.methods:
        answers = [client.generic(method, path) for path in (foreign, missing)]
        assert [each.status_code for each in answers] == [404, 404]
        assert UNSTEADY.sub(b"", answers[0].content) == UNSTEADY.sub(b"", answers[1].content)
        heads = [{name: value for name, value in each.items() if name != "X-Request-Id"} for each in answers]
        assert heads[0] == heads[1]


def test_the_console_is_the_operators_alone(alice, charlie):
    insiders = [each for each in everybody(alice.tenant, charlie.tenant) if each.name != "operator"]
    for route in set(console_routes()) - {"admin/login/"}:
        path = "/" + re.sub(r"[\^$?]|\(\?P<\w+>[^)]*\)|\.\*", "", PARAMETER.sub("1", route))
        for principal in insiders:
            answer = knock(principal, "GET", path)
            assert answer.status_code in (301, 302, 401, 403, 404), (path, principal.name)
