"""With what does a newcomer start? A tenant, its owner (also the operator) and an API key, all kept in `demo.env`."""

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction

from darkroom.up.home import write_private
from tenants.models import User
from tenants.services import issue_key, open_tenant

FILE = "demo.env"
EMAIL = "demo@darkroom.local"


@dataclass(frozen=True)
class DemoAccount:
    """What opens this Darkroom's doors."""

    url: str
    api_key: str
    email: str
    password: str


def demo_account(home: Path, url: str) -> DemoAccount | None:
    """Return the account that is kept here, made on the very first start; None when others have moved in without it."""
    account = read(home)
    if not User.objects.exists():
        return _create(home, url)
    if account and account.url != url:
        account = replace(account, url=url)
        _write(home, account)
    return account


def read(home: Path) -> DemoAccount | None:
    """Return what `demo.env` says, None when it is missing."""
    file = home / FILE
    if not file.exists():
        return None
    values = dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
    return DemoAccount(
        values["DARKROOM_URL"], values["DARKROOM_API_KEY"], values["DARKROOM_EMAIL"], values["DARKROOM_PASSWORD"]
    )


def _create(home: Path, url: str) -> DemoAccount:
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        owner = User.objects.create_superuser(EMAIL, password)
        _, api_key = issue_key(open_tenant("Demo", owner), "demo")
        account = DemoAccount(url, api_key, EMAIL, password)
        # Before the commit: a start that dies between the two tries again, and nobody is locked out.
        _write(home, account)
    return account


def _write(home: Path, account: DemoAccount) -> None:
    text = (
        f"DARKROOM_URL={account.url}\nDARKROOM_API_KEY={account.api_key}\n"
        f"DARKROOM_EMAIL={account.email}\nDARKROOM_PASSWORD={account.password}\n"
    )
    write_private(home / FILE, text)
