from django.urls import include, path

from apps.labeling import views

app_name = "labeling"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("", include("apps.labeling.questions.urls")),
    path("", include("apps.labeling.queueing.urls")),
    path("", include("apps.labeling.exchange.urls")),
    path("", include("apps.labeling.reviewing.urls")),
    path("", include("apps.labeling.harvest.urls")),
    path("", include("apps.labeling.suggesting.urls")),
    path("", include("apps.labeling.syncing.urls")),
    path("<uuid:pk>/", views.project, name="project"),
    path("<uuid:pk>/tasks/", views.tasks, name="tasks"),
    path("<uuid:pk>/work/", views.work, name="work"),
    path("<uuid:pk>/status/", views.move, name="move"),
]
