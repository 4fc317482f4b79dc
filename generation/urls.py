"""Where are the native API's routes of generation? Under /api/v1."""

from django.urls import include, path

from generation import image_views, views
from generation.intake.views import OneUpload, UploadContent, Uploads
from generation.quoting.views import quotes
from generation.usage.views import Usage

urlpatterns = [
    path("generations", views.generations),
    path("", include("generation.batches.urls")),
    path("generations/<str:id>/cancel", views.Cancel.as_view()),
    path("generations/<str:id>/events", views.generation_events),
    path("images/<str:id>/content", image_views.Content.as_view()),
    path("uploads", Uploads.as_view()),
    path("uploads/<str:id>/content", UploadContent.as_view()),
    path("quotes", quotes),
    path("usage", Usage.as_view()),
    path("schedulers", views.Schedulers.as_view()),
    # Last and greedy: whatever somebody takes for an id is answered like an id that does not exist.
    path("generations/<path:id>", views.Generation.as_view()),
    path("images/<path:id>", image_views.OneImage.as_view()),
    path("uploads/<path:id>", OneUpload.as_view()),
]
