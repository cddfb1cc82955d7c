from django.urls import path

from apps.registry import api

urlpatterns = [
    path("models/", api.Models.as_view(), name="models"),
    path("models/<str:pk>/", api.ModelDetail.as_view(), name="model"),
    path("models/<str:pk>/versions/", api.Versions.as_view(), name="model-versions"),
    path("models/<str:pk>/versions/<str:version>/", api.VersionDetail.as_view(), name="model-version"),
    path(
        "models/<str:pk>/versions/<str:version>/request/", api.RequestApproval.as_view(), name="model-version-request"
    ),
    path("models/<str:pk>/versions/<str:version>/approve/", api.Approve.as_view(), name="model-version-approve"),
    path("models/<str:pk>/versions/<str:version>/reject/", api.Reject.as_view(), name="model-version-reject"),
    path("models/<str:pk>/versions/<str:version>/retire/", api.Retire.as_view(), name="model-version-retire"),
    path("models/<str:pk>/aliases/", api.Aliases.as_view(), name="aliases"),
    path("models/<str:pk>/aliases/<str:name>/", api.Alias.as_view(), name="alias"),
]
