from django.urls import path

from apps.overview import views

app_name = "overview"
urlpatterns = [
    path("", views.home, name="home"),
    path("meter/", views.meter, name="meter"),
    path("search/", views.search, name="search"),
    path("lineage/<str:kind>/<uuid:pk>/", views.lineage_page, name="lineage"),
]
