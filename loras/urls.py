"""Where are the native API's routes of the shelf? Under /api/v1."""

from django.urls import path

from loras import views

urlpatterns = [path("checkpoints", views.Checkpoints.as_view())]
