"""Which routes are there, and who may do what on each? A route that is not in this table fails the suite."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

READ, GENERATE, MANAGE = "read", "generate", "manage"
ANYBODY = "anybody"  # no key, no session
OPERATOR = "operator"
SIGNED_IN = "signed in"  # whoever has an account, with or without a tenant
OWN = "own"  # an owner, signed in: no key has that power


@dataclass(frozen=True)
class Policy:
    """What each method of a route wants, and which of alice's objects its parameter names."""

    methods: dict[str, str] = field(default_factory=dict)
    object: str = ""


def reads(object: str = "") -> Policy:
    """Return the policy of a route that shows something."""
    return Policy({"GET": READ}, object)


def does(scope: str, object: str = "") -> Policy:
    """Return the policy of a route that does something."""
    return Policy({"POST": scope}, object)


DOORS = [
    "sign-in/passkey",
    "sign-in/code",
    "sign-up",
    "confirm-email/<str:key>",
    "password-reset",
    "password-reset/<str:uidb36>/<str:key>",
]
OWN_ACCOUNT = [
    "account/confirm",
    "account/confirm/code",
    "account/confirm/passkey",
    "account/email",
    "account/password",
    "account/password/first",
    "account/authenticator",
    "account/authenticator/remove",
    "account/recovery-codes/renew",
    "account/passkeys/add",
    "account/passkeys/<int:pk>",
    "account/passkeys/<int:pk>/remove",
]

POLICIES = {
    # The native API.
    "api/v1/openapi.json": Policy({"GET": ANYBODY}),
    "api/v1/docs": Policy({"GET": ANYBODY}),
    "api/v1/generations": Policy({"GET": READ, "POST": GENERATE}),
    "api/v1/generations/<path:id>": reads("generation"),
    "api/v1/generations/<str:id>/archive": reads("generation"),
    "api/v1/generations/<str:id>/cancel": does(GENERATE, "generation"),
    "api/v1/generations/<str:id>/events": reads("generation"),
    "api/v1/batches": Policy({"GET": READ, "POST": GENERATE}),
    "api/v1/batches/<path:id>": reads("batch"),
    "api/v1/batches/<str:id>/archive": reads("batch"),
    "api/v1/batches/<str:id>/cancel": does(GENERATE, "batch"),
    "api/v1/batches/<str:id>/sheet": reads("batch"),
    "api/v1/sweeps": does(GENERATE),
    "api/v1/images/<path:id>": Policy({"GET": READ, "DELETE": GENERATE}, "image"),
    "api/v1/images/<str:id>/content": reads("image"),
    "api/v1/uploads": does(GENERATE),
    "api/v1/uploads/<path:id>": Policy({"GET": READ, "DELETE": GENERATE}, "upload"),
    "api/v1/uploads/<str:id>/content": reads("upload"),
    "api/v1/schedulers": reads(),
    "api/v1/checkpoints": reads(),
    "api/v1/controlnets": reads(),
    "api/v1/presets": reads(),
    "api/v1/loras": reads(),
    "api/v1/loras/<path:id>": reads("lora"),
    "api/v1/limits": reads(),
    "api/v1/usage/storage": reads(),
    "api/v1/members": Policy({"GET": MANAGE}),
    "api/v1/members/<path:id>": Policy({"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}, "member"),
    "api/v1/members/<str:id>/transfer": does(OWN, "member"),
    "api/v1/invitations": Policy({"GET": MANAGE, "POST": MANAGE}),
    "api/v1/invitations/<path:id>": Policy({"GET": MANAGE, "DELETE": MANAGE}, "invitation"),
    "api/v1/invitations/<str:id>/resend": does(MANAGE, "invitation"),
    "api/v1/quotes": does(GENERATE),
    "api/v1/usage": reads(),
    "api/v1/webhooks": Policy({"GET": MANAGE, "POST": MANAGE}),
    "api/v1/webhooks/secret": Policy({"GET": MANAGE}),
    "api/v1/webhooks/secret/rotate": does(MANAGE),
    "api/v1/webhooks/deliveries": Policy({"GET": MANAGE}),
    "api/v1/webhooks/deliveries/<str:delivery>/replay": does(MANAGE, "delivery"),
    "api/v1/webhooks/<path:id>": Policy({"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}, "webhook"),
    "api/v1/webhooks/<str:id>/rotate": does(MANAGE, "webhook"),
    "api/v1/webhooks/<str:id>/test": does(MANAGE, "webhook"),
    "api/v1/webhooks/<str:id>/deliveries": Policy({"GET": MANAGE}, "webhook"),
    "api/v1/webhooks/<str:id>/deliveries/<str:delivery>/replay": does(MANAGE, "webhook"),
    "api/v1/workers": Policy({"GET": OPERATOR}),
    "api/v1/keys": Policy({"GET": MANAGE, "POST": MANAGE}),
    "api/v1/keys/<str:id>": Policy({"GET": MANAGE, "PATCH": MANAGE, "DELETE": MANAGE}, "key"),
    "api/v1/keys/<str:id>/rotate": does(MANAGE, "key"),
    "api/v1/audit": Policy({"GET": MANAGE}),
    # OpenAI's dialect.
    "v1/images/generations": does(GENERATE),
    "v1/images/edits": does(GENERATE),
    "v1/images/variations": does(GENERATE),
    "v1/models": reads(),
    "v1/models/<path:name>": reads(),
    # Without a key: what the address itself proves, and what a load balancer asks.
    "files/<str:token>.<str:extension>": Policy({"GET": ANYBODY}),
    "healthz": Policy({"GET": ANYBODY}),
    "readyz": Policy({"GET": ANYBODY}),
    # Pages.
    "": Policy({"GET": READ, "POST": GENERATE}),
    "loras": does(GENERATE),
    "start": does(GENERATE),
    "controls": does(GENERATE),
    "settings": does(GENERATE),
    "generations/<str:id>": reads("generation"),
    "generations/<str:id>/cancel": does(GENERATE, "generation"),
    "worker-notice": reads(),
    "developers": reads(),
    "history": reads(),
    "images/<str:id>": reads("image"),
    "images/<str:id>/delete": does(GENERATE, "image"),
    "batches": reads(),
    "batches/<str:id>": reads("batch"),
    "batches/<str:id>/cancel": does(GENERATE, "batch"),
    "settings/keys": Policy({"GET": MANAGE, "POST": MANAGE}),
    "settings/keys/<str:id>/rotate": does(MANAGE, "key"),
    "settings/keys/<str:id>/revoke": does(MANAGE, "key"),
    "settings/usage": reads(),
    "settings/webhooks": Policy({"GET": MANAGE}),
    "settings/webhooks/add": does(MANAGE),
    "settings/webhooks/secret": does(MANAGE),
    "settings/webhooks/secret/rotate": does(MANAGE),
    "settings/webhooks/deliveries/<str:id>/replay": does(MANAGE, "delivery"),
    "settings/webhooks/<str:id>/rotate": does(MANAGE, "webhook"),
    "settings/webhooks/<str:id>/switch": does(MANAGE, "webhook"),
    "settings/webhooks/<str:id>/delete": does(MANAGE, "webhook"),
    "settings/webhooks/<str:id>/test": does(MANAGE, "webhook"),
    "settings/audit": Policy({"GET": MANAGE}),
    "settings/members": Policy({"GET": READ, "POST": MANAGE}),
    "settings/members/leave": does(READ),
    "settings/members/<str:id>/role": does(MANAGE, "member"),
    "settings/members/<str:id>/remove": does(MANAGE, "member"),
    "settings/members/<str:id>/transfer": does(OWN, "member"),
    "settings/invitations/<str:id>/resend": does(MANAGE, "invitation"),
    "settings/invitations/<str:id>/withdraw": does(MANAGE, "invitation"),
    "settings/tenant": does(MANAGE),
    "tenants/switch": does(SIGNED_IN),
    "invitations/accept/<str:token>": Policy({"GET": ANYBODY, "POST": ANYBODY}),
    "cost": does(GENERATE),
    "sign-in": Policy({"GET": ANYBODY, "POST": ANYBODY}),
    "sign-out": Policy({"GET": ANYBODY, "POST": ANYBODY}),
    "sign-in/closed": Policy({"GET": ANYBODY}),
    "confirm-email": Policy({"GET": ANYBODY}),
    "password-reset/sent": Policy({"GET": ANYBODY}),
    "password-reset/done": Policy({"GET": ANYBODY}),
    # Accounts: the doors, and everybody's own account.
    **dict.fromkeys(DOORS, Policy({"GET": ANYBODY, "POST": ANYBODY})),
    **dict.fromkeys(OWN_ACCOUNT, Policy({"GET": SIGNED_IN, "POST": SIGNED_IN})),
    "account/": Policy({"GET": SIGNED_IN}),
    "account/recovery-codes": Policy({"GET": SIGNED_IN}),
    "account/recovery-codes.txt": Policy({"GET": SIGNED_IN}),
    "account/sign-out-elsewhere": does(SIGNED_IN),
    "account/open-tenant": does(SIGNED_IN),
}


def every_route() -> Iterator[str]:
    """Yield the pattern of every route but the console's, which has a test of its own."""
    yield from (path for path, _ in _walk(get_resolver()) if not path.startswith("admin/"))


def console_routes() -> Iterator[str]:
    """Yield the pattern of every route of the operator's console."""
    yield from (path for path, _ in _walk(get_resolver()) if path.startswith("admin/"))


def _walk(resolver: Any, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = f"{before}{entry.pattern}"
        if isinstance(entry, URLResolver):
            yield from _walk(entry, path)
        else:
            yield path, entry
