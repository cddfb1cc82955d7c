from django.urls import path

from apps.labeling.reviewing import api

PROJECT = "label-projects/<str:pk>/"
TASK = f"{PROJECT}review/<int:number>/"
urlpatterns = [
    path(f"{PROJECT}review-plan/", api.ReviewPlanDoor.as_view(), name="label-review-plan"),
    path(f"{PROJECT}review/", api.Reviews.as_view(), name="label-review"),
    path(TASK, api.ReviewTask.as_view(), name="label-review-task"),
    path(f"{TASK}decide/", api.Decide.as_view(), name="label-decide"),
    path("annotations/<str:pk>/accept/", api.Accept.as_view(), name="label-accept"),
    path(f"{TASK}return/", api.SendBack.as_view(), name="label-return"),
    path(f"{TASK}comments/", api.Comments.as_view(), name="label-comments"),
    path("label-comments/<str:pk>/settle/", api.Settle.as_view(), name="label-settle"),
    path(f"{PROJECT}gold/", api.Golds.as_view(), name="label-gold"),
    path(f"{PROJECT}gold/<int:number>/", api.GoldDetail.as_view(), name="label-gold-task"),
    path(f"{PROJECT}agreement/", api.AgreementDoor.as_view(), name="label-agreement"),
    path(f"{PROJECT}report/", api.People.as_view(), name="label-report"),
    path(f"{PROJECT}report/mine/", api.OwnReport.as_view(), name="label-own-report"),
    path(f"{PROJECT}lift-hold/", api.LiftHold.as_view(), name="label-lift-hold"),
]
