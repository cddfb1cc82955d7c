from django.urls import path

from apps.labeling.harvest import views

urlpatterns = [
    path("<uuid:pk>/harvest/", views.page, name="harvest"),
    path("<uuid:pk>/harvest/automatic/", views.automatic, name="harvest-automatic"),
    path("<uuid:pk>/freeze/", views.freeze, name="freeze"),
]
