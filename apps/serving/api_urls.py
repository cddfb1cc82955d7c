from django.urls import path

from apps.serving import api

urlpatterns = [
    path("deployments/", api.Deployments.as_view(), name="deployments"),
    path("deployments/<str:pk>/", api.DeploymentDetail.as_view(), name="deployment"),
    path("deployments/<str:pk>/start/", api.StartDeployment.as_view(), name="deployment-start"),
    path("deployments/<str:pk>/stop/", api.StopDeployment.as_view(), name="deployment-stop"),
    path("exchanges/", api.Exchanges.as_view(), name="exchanges"),
    path("exchanges/<str:pk>/", api.ExchangeDetail.as_view(), name="exchange"),
]
