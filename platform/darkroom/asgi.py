"""The ASGI application that every web process serves, behind a bound on the size of requests."""

import os
from typing import cast

from django.core.asgi import get_asgi_application

from darkroom.body_limit import App, BodyLimit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")

application = BodyLimit(cast(App, get_asgi_application()))
