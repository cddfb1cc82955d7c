from django.urls import path

from apps.training.sweeping import views

urlpatterns = [
    path("sweeps/", views.sweeps, name="sweeps"),
    path("sweeps/<uuid:pk>/", views.sweep, name="sweep"),
    path("sweeps/<uuid:pk>/pause/", views.pause, name="sweep-pause"),
    path("sweeps/<uuid:pk>/resume/", views.resume, name="sweep-resume"),
    path("sweeps/<uuid:pk>/cancel/", views.cancel, name="sweep-cancel"),
]
