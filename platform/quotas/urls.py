"""Where are the doors to limits and storage?"""

from django.urls import path

from quotas.views import Limits, StorageUsage

urlpatterns = [
    path("limits", Limits.as_view()),
    path("usage/storage", StorageUsage.as_view()),
]
