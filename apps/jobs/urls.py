from django.urls import path

from apps.jobs import views

app_name = "jobs"
urlpatterns = [
    path("", views.queue, name="queue"),
    path("pause/", views.pause_queue, name="pause"),
    path("resume/", views.resume_queue, name="resume"),
    path("slots/", views.drain, name="drain"),
    path("jobs/<uuid:pk>/", views.act, name="act"),
]
