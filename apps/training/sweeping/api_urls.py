from django.urls import path

from apps.training.sweeping import api

ONE = "sweeps/<str:pk>/"
urlpatterns = [
    path("sweeps/", api.Sweeps.as_view(), name="sweeps"),
    path(ONE, api.SweepDetail.as_view(), name="sweep"),
    path(f"{ONE}trials/", api.SweepTrials.as_view(), name="sweep-trials"),
    path(f"{ONE}pause/", api.PauseSweep.as_view(), name="sweep-pause"),
    path(f"{ONE}resume/", api.ResumeSweep.as_view(), name="sweep-resume"),
    path(f"{ONE}cancel/", api.CancelSweep.as_view(), name="sweep-cancel"),
]
