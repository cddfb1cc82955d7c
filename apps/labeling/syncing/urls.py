from django.urls import path

from apps.labeling.syncing import views

urlpatterns = [
    path("<uuid:pk>/label-studio/", views.page, name="studio"),
    path("<uuid:pk>/label-studio/connect/", views.connect, name="studio-connect"),
    path("<uuid:pk>/label-studio/sync/", views.sync, name="studio-sync"),
    path("<uuid:pk>/label-studio/change/", views.change, name="studio-change"),
    path("<uuid:pk>/label-studio/webhook/", views.webhook, name="studio-webhook"),
    path("<uuid:pk>/label-studio/disconnect/", views.disconnect, name="studio-disconnect"),
    path("<uuid:pk>/label-studio/conflicts/<uuid:conflict>/", views.choose, name="studio-choose"),
]
