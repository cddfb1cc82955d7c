from django.urls import path

from apps.registry import views

app_name = "registry"
urlpatterns = [
    path("", views.models, name="models"),
    path("new/", views.new_model, name="new"),
    path("register/", views.register, name="register"),
    path("<uuid:pk>/", views.model, name="model"),
    path("<uuid:pk>/aliases/", views.move_alias, name="alias"),
    path("<uuid:pk>/<str:version>/", views.version, name="version"),
    path("<uuid:pk>/<str:version>/<str:step>/", views.decide, name="decide"),
]
