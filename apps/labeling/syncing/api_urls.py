from django.urls import path

from apps.labeling.syncing import api

STUDIO = "label-projects/<str:pk>/label-studio/"
urlpatterns = [
    path(STUDIO, api.ConnectionDoor.as_view(), name="label-studio"),
    path(f"{STUDIO}sync/", api.SyncDoor.as_view(), name="label-studio-sync"),
    path(f"{STUDIO}webhook/", api.WebhookDoor.as_view(), name="label-studio-webhook"),
    path(f"{STUDIO}held/", api.HeldAnswers.as_view(), name="label-studio-held"),
    path(f"{STUDIO}conflicts/", api.Conflicts.as_view(), name="label-studio-conflicts"),
    path(f"{STUDIO}conflicts/<str:conflict>/", api.ConflictDoor.as_view(), name="label-studio-conflict"),
    path("label-studio-hooks/<str:pk>/", api.Hook.as_view(), name="label-studio-hook"),
]
