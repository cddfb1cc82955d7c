from django.urls import path

from apps.labeling.exchange import views

urlpatterns = [
    path("<uuid:pk>/formats/", views.page, name="formats"),
    path("<uuid:pk>/export/", views.export, name="export"),
]
