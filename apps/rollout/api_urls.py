from django.urls import path

from apps.rollout import api

urlpatterns = [
    path("rollouts/", api.Rollouts.as_view(), name="rollouts"),
    path("rollouts/<str:pk>/", api.RolloutDetail.as_view(), name="rollout"),
    path("rollouts/<str:pk>/start/", api.StartRollout.as_view(), name="rollout-start"),
    path("rollouts/<str:pk>/pause/", api.PauseRollout.as_view(), name="rollout-pause"),
    path("rollouts/<str:pk>/stop/", api.StopRollout.as_view(), name="rollout-stop"),
    path("rollouts/<str:pk>/share/", api.Share.as_view(), name="rollout-share"),
    path("rollouts/<str:pk>/why/", api.Why.as_view(), name="rollout-why"),
]
