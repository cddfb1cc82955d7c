from django.urls import path

from apps.labeling.exchange import api

urlpatterns = [
    path("label-projects/<str:pk>/imports/", api.Imports.as_view(), name="label-imports"),
    path("label-imports/<str:pk>/", api.OneImport.as_view(), name="label-import"),
    path("label-imports/<str:pk>/start/", api.StartImport.as_view(), name="label-import-start"),
]
