"""Where are the native API's routes of batches and sweeps? Under /api/v1."""

from django.urls import path

from generation.batches import views

urlpatterns = [
    path("batches", views.Batches.as_view()),
    path("batches/<str:id>/archive", views.archive),
    path("batches/<str:id>/cancel", views.Cancel.as_view()),
    path("batches/<str:id>/sheet", views.Sheet.as_view()),
    path("generations/<str:id>/archive", views.generation_archive),
    path("sweeps", views.Sweeps.as_view()),
    path("batches/<path:id>", views.OneBatch.as_view()),  # whatever somebody takes for an id
]
