from django.urls import path

from apps.labeling.reviewing import views

TASK = "<uuid:pk>/review/<int:number>/"
urlpatterns = [
    path("<uuid:pk>/review/", views.review, name="review"),
    path("<uuid:pk>/review/plan/", views.plan, name="review-plan"),
    path(f"{TASK}decide/", views.decide, name="decide"),
    path(f"{TASK}return/", views.send_back, name="return"),
    path(f"{TASK}comment/", views.comment, name="comment"),
    path(f"{TASK}gold/", views.mark_gold, name="mark-gold"),
    path("<uuid:pk>/agreement/", views.agreement, name="agreement"),
    path("<uuid:pk>/report/", views.report, name="report"),
    path("<uuid:pk>/report.csv", views.report_csv, name="report-csv"),
    path("<uuid:pk>/report/mine/", views.own_report, name="own-report"),
    path("<uuid:pk>/lift-hold/", views.lift, name="lift-hold"),
]
