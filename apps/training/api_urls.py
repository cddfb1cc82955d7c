from django.urls import include, path

from apps.training import api, chat_api
from apps.training.planning import api as planning

urlpatterns = [
    path("base-models/", api.BaseModels.as_view(), name="base-models"),
    path("base-models/<str:pk>/", api.BaseModelDetail.as_view(), name="base-model"),
    path("base-models/<str:pk>/prepare/", api.PrepareBaseModel.as_view(), name="base-model-prepare"),
    path("runs/", api.Runs.as_view(), name="runs"),
    path("runs/validate/", api.ValidateRun.as_view(), name="run-validate"),
    path("runs/preview/", planning.Preview.as_view(), name="run-preview"),
    path("runs/probe/", planning.Probe.as_view(), name="run-probe"),
    path("runs/recipe/", planning.ReadRecipe.as_view(), name="recipe-read"),
    path("runs/<str:pk>/recipe/", planning.RunRecipe.as_view(), name="run-recipe"),
    path("runs/<str:pk>/spec/", planning.RunSpec.as_view(), name="run-spec"),
    path("", include("apps.training.comparing.api_urls")),
    path("", include("apps.training.sweeping.api_urls")),
    path("runs/<str:pk>/", api.RunDetail.as_view(), name="run"),
    path("runs/<str:pk>/samples/", api.RunSamples.as_view(), name="run-samples"),
    path("runs/<str:pk>/checkpoints/", api.RunCheckpoints.as_view(), name="run-checkpoints"),
    path("runs/<str:pk>/resume/", api.ResumeRun.as_view(), name="run-resume"),
    path("checkpoints/<str:pk>/generate/", chat_api.Generate.as_view(), name="generate"),
    path("turns/", chat_api.Turns.as_view(), name="turns"),
    path("turns/<str:pk>/", chat_api.TurnDetail.as_view(), name="turn"),
    path("turns/<str:pk>/stop/", chat_api.StopTurn.as_view(), name="turn-stop"),
]
