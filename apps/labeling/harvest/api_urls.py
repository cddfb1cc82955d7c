from django.urls import path

from apps.labeling.harvest import api

PROJECT = "label-projects/<str:pk>/"
urlpatterns = [
    path(f"{PROJECT}freeze/", api.Freeze.as_view(), name="label-freeze"),
    path(f"{PROJECT}freeze-when-finished/", api.Automatic.as_view(), name="label-harvest-plan"),
]
