"""What does a newcomer need to know once everything runs?"""

import os
from pathlib import Path

from darkroom.up.demo_account import FILE, DemoAccount
from darkroom.up.first_picture import FILE as FIRST_PICTURE


def welcome(home: Path, url: str, account: DemoAccount | None) -> str:
    """Return the text that ends the start."""
    lines = ["", "Darkroom is ready.", "", f"  Dashboard      {url}"]
    lines += _doors(home, url, account) if account else ["  Sign in with your own account."]
    return "\n".join([*lines, "", f"  Logs           {_shown(home / 'logs')}", "  Ctrl-C stops everything.", ""])


def _doors(home: Path, url: str, account: DemoAccount) -> list[str]:
    curl = (
        f"  curl {url}/v1/images/generations -H 'Authorization: Bearer {account.api_key}' \\\n"
        "       -H 'Content-Type: application/json' -d '{\"prompt\": \"a blue bird\"}'"
    )
    picture = home / FIRST_PICTURE
    return [
        f"  Sign in        {account.email}   {account.password}   (also the operator, at {url}/admin/)",
        f"  API key        {account.api_key}",
        *([f"  First picture  {_shown(picture)}"] if picture.exists() else []),
        f"  All of this    {_shown(home / FILE)}",
        "",
        curl,
    ]


def _shown(path: Path) -> str:
    """Return the path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
