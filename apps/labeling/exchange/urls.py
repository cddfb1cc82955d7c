from django.urls import path

from apps.labeling.exchange import views

urlpatterns = [
    path("<uuid:pk>/formats/", views.page, name="formats"),
    path("<uuid:pk>/export/", views.export, name="export"),
    path("<uuid:pk>/import/", views.receive, name="import"),
    path("imports/<uuid:pk>/", views.one_import, name="label-import"),
    path("imports/<uuid:pk>/start/", views.start, name="label-import-start"),
    path("imports/<uuid:pk>/drop/", views.drop, name="label-import-drop"),
]
