from django.urls import path

from apps.labeling.queueing import api

PROJECT = "label-projects/<str:pk>/"
urlpatterns = [
    path(f"{PROJECT}settings/", api.Settings.as_view(), name="label-settings"),
    path(f"{PROJECT}members/", api.Members.as_view(), name="label-members"),
    path(f"{PROJECT}members/<str:person>/", api.Member.as_view(), name="label-member"),
    path(f"{PROJECT}priorities/", api.Priorities.as_view(), name="label-priorities"),
    path(f"{PROJECT}filling/", api.Filling.as_view(), name="label-filling"),
    path("label-assignments/<str:pk>/flag/", api.Flag.as_view(), name="label-flag"),
]
