"""The ASGI application that every web process serves, behind a bound on the size of requests."""

import os
from typing import cast

from django.core.asgi import get_asgi_application

# Before our own imports: DRF, which they bring, wants the settings named.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")

from darkroom.body_limit import App, BodyLimit

application = BodyLimit(cast(App, get_asgi_application()))
