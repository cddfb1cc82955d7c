from django.urls import path

from apps.evaluation import views

app_name = "evaluation"
urlpatterns = [
    path("", views.rounds, name="list"),
    path("reports/", views.reports, name="reports"),
    path("new/", views.new_report, name="new-report"),
    path("reports/<uuid:pk>/", views.report, name="report"),
    path("reports/<uuid:pk>/cancel/", views.cancel_report, name="report-cancel"),
    path("rounds/new/", views.new_round, name="new-round"),
    path("rounds/<uuid:pk>/", views.round, name="round"),
    path("rounds/<uuid:pk>/rate/", views.rate, name="rate"),
    path("rounds/<uuid:pk>/prepare/", views.act, {"verb": "prepare"}, name="round-prepare"),
    path("rounds/<uuid:pk>/draft/", views.act, {"verb": "draft"}, name="round-draft"),
    path("rounds/<uuid:pk>/cancel/", views.act, {"verb": "cancel"}, name="round-cancel"),
    path("rounds/<uuid:pk>/close/", views.close, name="round-close"),
    path("rounds/<uuid:pk>/next/", views.follow, name="round-next"),
    path("rounds/<uuid:pk>/export.csv", views.export, {"kind": "csv"}, name="round-csv"),
    path("rounds/<uuid:pk>/export.json", views.export, {"kind": "json"}, name="round-json"),
]
