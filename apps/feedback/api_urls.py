from django.urls import path

from apps.feedback import api

urlpatterns = [
    path("feedback/", api.Feedback.as_view(), name="feedback"),
    path("feedback/send/", api.SendSignals.as_view(), name="feedback-send"),
    path("feedback/dismiss/", api.DismissSignals.as_view(), name="feedback-dismiss"),
    path("feedback/harvest/", api.HarvestSignals.as_view(), name="feedback-harvest"),
    path("feedback/train/", api.TrainAgain.as_view(), name="feedback-train"),
    path("feedback/<str:pk>/", api.SignalDetail.as_view(), name="signal"),
]
