from django.urls import path

from apps.training.comparing import api

urlpatterns = [
    path("runs/compare/", api.Compare.as_view(), name="runs-compare"),
    path("run-views/", api.RunViews.as_view(), name="run-views"),
    path("run-views/<str:pk>/", api.RunViewDetail.as_view(), name="run-view"),
]
