from django.urls import include, path

from apps.labeling import api

PROJECT = "label-projects/<str:pk>/"
urlpatterns = [
    path("", include("apps.labeling.questions.api_urls")),
    path("", include("apps.labeling.queueing.api_urls")),
    path("", include("apps.labeling.exchange.api_urls")),
    path("", include("apps.labeling.reviewing.api_urls")),
    path("", include("apps.labeling.harvest.api_urls")),
    path("", include("apps.labeling.suggesting.api_urls")),
    path("", include("apps.labeling.syncing.api_urls")),
    path("label-projects/", api.Projects.as_view(), name="label-projects"),
    path("label-configs/", api.CheckConfig.as_view(), name="label-configs"),
    path(PROJECT, api.ProjectDetail.as_view(), name="label-project"),
    path(f"{PROJECT}status/", api.ProjectStatusDoor.as_view(), name="label-status"),
    path(f"{PROJECT}tasks/", api.Tasks.as_view(), name="label-tasks"),
    path(f"{PROJECT}tasks/next/", api.NextTask.as_view(), name="label-next"),
    path(f"{PROJECT}annotations/", api.Annotations.as_view(), name="label-annotations"),
    path(f"{PROJECT}undo/", api.Undo.as_view(), name="label-undo"),
    path(f"{PROJECT}release/", api.Release.as_view(), name="label-release"),
    path(f"{PROJECT}progress/", api.Progress.as_view(), name="label-progress"),
    path(f"{PROJECT}export/", api.Export.as_view(), name="label-export"),
    path("label-assignments/<str:pk>/draft/", api.Draft.as_view(), name="label-draft"),
    path("label-assignments/<str:pk>/heartbeat/", api.Heartbeat.as_view(), name="label-heartbeat"),
    path("label-assignments/<str:pk>/skip/", api.Skip.as_view(), name="label-skip"),
]
