"""Where do we differ from allauth in second factors? In the name and host of our passkeys, the QR code, the words."""

from typing import Any
from urllib.parse import urlsplit

import qrcode
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from qrcode.image.svg import SvgPathImage

from tenants.models import User

OURS = {"incorrect_code": "That was not accepted. Try again with a fresh one."}


class SecondFactorAdapter(DefaultMFAAdapter):
    """allauth's decisions about second factors, made our way."""

    error_messages = {**DefaultMFAAdapter.error_messages, **OURS}

    def build_totp_svg(self, url: str) -> str:
        """Return the QR code as an element of the page: our policy allows no picture out of a data: URL."""
        return qrcode.make(url, image_factory=SvgPathImage).to_string(encoding="unicode")

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Return a name for the next passkey."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return "Passkey" if count == 0 else f"Passkey {count + 1}"

    def get_public_key_credential_rp_entity(self) -> dict[str, Any]:
        """Return for whom passkeys are: our own address, whatever Host the request claimed."""
        return {"id": urlsplit(settings.PUBLIC_URL).hostname or "localhost", "name": "Darkroom"}
