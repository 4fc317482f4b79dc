"""Where are the API's routes of webhooks? Under /api/v1."""

from django.urls import path

from webhooks import views

urlpatterns = [
    path("webhooks", views.Webhooks.as_view()),
    path("webhooks/secret", views.RequestSecrets.as_view()),
    path("webhooks/secret/rotate", views.RotateRequestSecret.as_view()),
    path("webhooks/deliveries", views.Deliveries.as_view()),
    path("webhooks/deliveries/<str:delivery>/replay", views.Replay.as_view()),
    path("webhooks/<str:id>/rotate", views.Rotate.as_view()),
    path("webhooks/<str:id>/test", views.Try.as_view()),
    path("webhooks/<str:id>/deliveries", views.DeliveriesOfOne.as_view()),
    path("webhooks/<str:id>/deliveries/<str:delivery>/replay", views.ReplayOfOne.as_view()),
    # Last and greedy: whatever somebody takes for an id is answered like an id that does not exist.
    path("webhooks/<path:id>", views.OneWebhook.as_view()),
]
