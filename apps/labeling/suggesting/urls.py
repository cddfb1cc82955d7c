from django.urls import path

from apps.labeling.suggesting import views

ONE = "<uuid:pk>/suggestions/<uuid:suggester>/"
urlpatterns = [
    path("<uuid:pk>/suggestions/", views.list_page, name="suggestions"),
    path("<uuid:pk>/suggestions/new/", views.new, name="suggester-new"),
    path(ONE, views.detail, name="suggester"),
    path(f"{ONE}change/", views.change, name="suggester-change"),
    path(f"{ONE}do/", views.do, name="suggester-do"),
]
