from django.urls import path

from apps.labeling.questions import api

urlpatterns = [path("label-projects/<str:pk>/config/", api.ProjectConfig.as_view(), name="label-config")]
