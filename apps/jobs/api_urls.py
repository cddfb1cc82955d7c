from django.urls import path

from apps.jobs import api

urlpatterns = [
    path("jobs/", api.JobList.as_view(), name="jobs"),
    path("jobs/<str:pk>/", api.JobDetail.as_view(), name="job"),
    path("jobs/<str:pk>/cancel/", api.CancelJob.as_view(), name="job-cancel"),
    path("jobs/<str:pk>/stop/", api.StopJob.as_view(), name="job-stop"),
    path("jobs/<str:pk>/metrics/", api.JobMetrics.as_view(), name="job-metrics"),
    path("jobs/<str:pk>/logs/", api.JobLogs.as_view(), name="job-logs"),
]
