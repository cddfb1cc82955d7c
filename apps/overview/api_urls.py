from django.urls import path

from apps.overview import api

urlpatterns = [path("lineage/<str:kind>/<str:pk>/", api.LineageOf.as_view(), name="lineage")]
