from django.urls import path
from django.views.generic import RedirectView

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="accounts:members")),
    path("profile/", views.profile, name="profile"),
    path("members/", views.members, name="members"),
    path("members/add/", views.add_member, name="add-member"),
    path("members/<uuid:pk>/role/", views.change_role, name="change-role"),
    path("members/<uuid:pk>/remove/", views.remove_member, name="remove-member"),
    path("keys/", views.keys, name="keys"),
    path("keys/issue/", views.issue_key, name="issue-key"),
    path("keys/<uuid:pk>/revoke/", views.revoke_key, name="revoke-key"),
    path("workspace/<uuid:pk>/", views.switch, name="switch"),
]
