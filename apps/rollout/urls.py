from django.urls import path

from apps.rollout import views

app_name = "rollout"
urlpatterns = [
    path("", views.rollouts, name="rollouts"),
    path("new/", views.new, name="new"),
    path("<uuid:pk>/", views.rollout, name="rollout"),
    path("<uuid:pk>/share/", views.share, name="share"),
    path("<uuid:pk>/<str:step>/", views.take_step, name="step"),
]
