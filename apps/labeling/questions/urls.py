from django.urls import path

from apps.labeling.questions import views

urlpatterns = [
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("<uuid:pk>/config/", views.config, name="config"),
    path("<uuid:pk>/pictures/<str:media_name>", views.picture, name="picture"),
]
