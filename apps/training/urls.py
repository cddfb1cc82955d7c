from django.urls import include, path

from apps.training import views

app_name = "training"
urlpatterns = [
    path("", views.runs, name="runs"),
    path("new/", views.launch, name="launch"),
    path("chat/", views.chat_page, name="chat"),
    path("models/", views.models_page, name="models"),
    path("models/<uuid:pk>/prepare/", views.prepare_model, name="model-prepare"),
    path("models/<uuid:pk>/remove/", views.remove_model, name="model-remove"),
    path("", include("apps.training.comparing.urls")),
    path("", include("apps.training.sweeping.urls")),
    path("<uuid:pk>/", views.run, name="run"),
    path("<uuid:pk>/points.csv", views.points, name="points"),
    path("<uuid:pk>/stop/", views.stop, name="stop"),
    path("<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("<uuid:pk>/resume/", views.resume, name="resume"),
]
