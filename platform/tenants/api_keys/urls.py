"""Where are the native API's doors to keys?"""

from django.urls import path

from tenants.api_keys.views import Key, Keys, Rotate

urlpatterns = [
    path("keys", Keys.as_view()),
    path("keys/<str:id>", Key.as_view()),
    path("keys/<str:id>/rotate", Rotate.as_view()),
]
