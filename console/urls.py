"""Every door of the console."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from apps.core import health

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one door, with its rate limit

api: list[Any] = [
    path("", include("apps.accounts.api_urls")),
    path("", include("apps.jobs.api_urls")),
    path("", include("apps.datasets.api_urls")),
    path("", include("apps.labeling.api_urls")),
    path("", include("apps.training.api_urls")),
    path("", include("apps.evaluation.api_urls")),
    path("", include("apps.registry.api_urls")),
    path("", include("apps.serving.api_urls")),
    path("", include("apps.rollout.api_urls")),
    path("", include("apps.feedback.api_urls")),
    path("", include("apps.overview.api_urls")),
]
urlpatterns: list[Any] = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api, "api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("", include("apps.core.urls")),
    path("settings/", include("apps.accounts.urls")),
    path("datasets/", include("apps.datasets.urls")),
    path("queue/", include("apps.jobs.urls")),
    path("label/", include("apps.labeling.urls")),
    path("train/", include("apps.training.urls")),
    path("evaluate/", include("apps.evaluation.urls")),
    path("models/", include("apps.registry.urls")),
    path("serve/", include("apps.serving.urls")),
    path("rollout/", include("apps.rollout.urls")),
    path("feedback/", include("apps.feedback.urls")),
    path("v1/", include("apps.gateway.urls")),
    path("", include("apps.overview.urls")),
]

handler400 = "apps.core.answers.bad_request"
handler404 = "apps.core.answers.not_found"
handler500 = "apps.core.answers.server_error"
