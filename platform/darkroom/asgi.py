"""The ASGI application that every web process serves, behind a bound on the size of requests."""

import os
from typing import cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")

# Before our own imports, which bring models: Django sets itself up here.
django_application = get_asgi_application()

from darkroom.body_limit import App, BodyLimit  # noqa: E402

application = BodyLimit(cast(App, django_application))
