"""The dashboard's doors to generation."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
