from django.urls import path

from apps.training.comparing import views

urlpatterns = [
    path("compare/", views.compare, name="compare"),
    path("compare/table.csv", views.table, name="compare-table"),
    path("compare/points.csv", views.points, name="compare-points"),
]
