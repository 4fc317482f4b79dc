"""Where are the native API's routes of the shelf? Under /api/v1."""

from django.urls import path

from loras import views

urlpatterns = [
    path("checkpoints", views.Checkpoints.as_view()),
    path("controlnets", views.ControlNets.as_view()),
    path("presets", views.Presets.as_view()),
    path("loras", views.Loras.as_view()),
    # Greedy: whatever somebody takes for an id is answered like an id that does not exist.
    path("loras/<path:id>", views.OneLora.as_view()),
]
