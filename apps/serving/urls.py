from django.urls import path

from apps.serving import views

app_name = "serving"
urlpatterns = [
    path("", views.deployments, name="deployments"),
    path("deploy/", views.deploy, name="deploy"),
    path("exchanges/<uuid:pk>/", views.exchange, name="exchange"),
    path("<uuid:pk>/", views.deployment, name="deployment"),
    path("<uuid:pk>/stop/", views.stop, name="stop"),
    path("<uuid:pk>/start/", views.start, name="start"),
    path("<uuid:pk>/try/", views.try_it, name="try"),
]
