from django.urls import path

from apps.jobs import api, queue_api

urlpatterns = [
    path("jobs/", api.JobList.as_view(), name="jobs"),
    path("jobs/<str:pk>/", api.JobDetail.as_view(), name="job"),
    path("jobs/<str:pk>/cancel/", api.CancelJob.as_view(), name="job-cancel"),
    path("jobs/<str:pk>/stop/", api.StopJob.as_view(), name="job-stop"),
    path("jobs/<str:pk>/pause/", queue_api.PauseJob.as_view(), name="job-pause"),
    path("jobs/<str:pk>/resume/", queue_api.ResumeJob.as_view(), name="job-resume"),
    path("jobs/<str:pk>/priority/", queue_api.JobPriority.as_view(), name="job-priority"),
    path("jobs/<str:pk>/move/", queue_api.MoveJob.as_view(), name="job-move"),
    path("jobs/<str:pk>/after/", queue_api.JobAfter.as_view(), name="job-after"),
    path("queue/", queue_api.Queue.as_view(), name="queue"),
    path("queue/pause/", queue_api.PauseQueue.as_view(), name="queue-pause"),
    path("queue/rule/", queue_api.QueueRule.as_view(), name="queue-rule"),
    path("slots/drain/", queue_api.DrainSlot.as_view(), name="slot-drain"),
    path("jobs/<str:pk>/metrics/", api.JobMetrics.as_view(), name="job-metrics"),
    path("jobs/<str:pk>/logs/", api.JobLogs.as_view(), name="job-logs"),
]
