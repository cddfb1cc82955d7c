from django.urls import path

from apps.evaluation import api, rating_api

urlpatterns = [
    path("metric-reports/", api.MetricReports.as_view(), name="metric-reports"),
    path("metric-reports/<str:pk>/", api.MetricReportDetail.as_view(), name="metric-report"),
    path("metric-reports/<str:pk>/rows/", api.MetricReportRows.as_view(), name="metric-report-rows"),
    path("rounds/", api.Rounds.as_view(), name="rounds"),
    path("rounds/<str:pk>/", api.RoundDetail.as_view(), name="round"),
    path("rounds/<str:pk>/open/", api.OpenRound.as_view(), name="round-open"),
    path("rounds/<str:pk>/cancel/", api.CancelRound.as_view(), name="round-cancel"),
    path("rounds/<str:pk>/close/", api.CloseRound.as_view(), name="round-close"),
    path("rounds/<str:pk>/next/", api.NextRound.as_view(), name="round-next"),
    path("rounds/<str:pk>/items/", rating_api.RoundItems.as_view(), name="round-items"),
    path("rounds/<str:pk>/ratings/", rating_api.Ratings.as_view(), name="round-ratings"),
    path("rounds/<str:pk>/agreement/", rating_api.Agreement.as_view(), name="round-agreement"),
    path("rounds/<str:pk>/export/", rating_api.ExportRound.as_view(), name="round-export"),
]
