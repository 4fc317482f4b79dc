"""Where are the native API's routes of members and invitations? Under /api/v1."""

from django.urls import path

from tenants.members import views

urlpatterns = [
    path("members", views.Members.as_view()),
    path("members/<str:id>/transfer", views.Transfer.as_view()),
    path("members/<path:id>", views.OneMember.as_view()),  # whatever somebody takes for an id
    path("invitations", views.Invitations.as_view()),
    path("invitations/<str:id>/resend", views.Resend.as_view()),
    path("invitations/<path:id>", views.OneInvitation.as_view()),
]
