from django.urls import path

from apps.labeling.queueing import views

urlpatterns = [
    path("<uuid:pk>/settings/", views.settings_page, name="settings"),
    path("<uuid:pk>/people/", views.people_page, name="people"),
    path("<uuid:pk>/people/<int:person>/", views.change_part, name="part"),
    path("<uuid:pk>/fill/", views.fill, name="fill"),
    path("<uuid:pk>/delete/", views.delete, name="delete"),
]
