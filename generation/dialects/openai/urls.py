"""Where are OpenAI's routes? Under /v1."""

from django.urls import path

from generation.dialects.openai.edits import Edits
from generation.dialects.openai.images import Images
from generation.dialects.openai.models import Model, Models
from generation.dialects.openai.variations import Variations
from jobs.waiting import waits

urlpatterns = [
    path("images/generations", waits(Images.as_view())),
    path("images/edits", waits(Edits.as_view())),
    path("images/variations", waits(Variations.as_view())),
    path("models", Models.as_view()),
    path("models/<path:name>", Model.as_view()),
]
