"""What does the least API of Django and DRF cost in the same server? One indexed SELECT, or one INSERT, and no more.

An ASGI application for `bench.api`, on the same database: what everything else is compared with.
"""

import django
from django.conf import settings

from darkroom import settings as ours

settings.configure(
    DATABASES=ours.DATABASES,
    SECRET_KEY="bare",  # noqa: S106 - signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402 - Django comes first
from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.generics import ListCreateAPIView, RetrieveAPIView  # noqa: E402
from rest_framework.serializers import ModelSerializer  # noqa: E402


class Note(models.Model):
    """A row."""

    text = models.CharField(max_length=200)

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return self.text


class NoteSerializer(ModelSerializer[Note]):
    """It in JSON."""

    class Meta:
        model = Note
        fields = ["id", "text"]


class One(RetrieveAPIView[Note]):
    """Read one."""

    queryset = Note._default_manager.all()
    serializer_class = NoteSerializer


class Notes(ListCreateAPIView[Note]):
    """Write one."""

    queryset = Note._default_manager.all()
    serializer_class = NoteSerializer


urlpatterns = [path("notes", Notes.as_view()), path("notes/<int:pk>", One.as_view())]

if Note._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Note)
    Note._default_manager.create(pk=1, text="bare")
connection.close()
application = get_asgi_application()
