from django.urls import path

from apps.labeling.suggesting import api

PROJECT, ONE = "label-projects/<str:pk>/", "label-suggesters/<str:pk>/"
urlpatterns = [
    path(f"{PROJECT}suggesters/", api.Suggesters.as_view(), name="label-suggesters"),
    path(f"{PROJECT}suggesters/try/", api.Try.as_view(), name="label-suggesters-try"),
    path(f"{PROJECT}suggesters/taken/", api.Taken.as_view(), name="label-suggesters-taken"),
    path(ONE, api.SuggesterDetail.as_view(), name="label-suggester"),
    path(f"{ONE}run/", api.Run.as_view(), name="label-suggester-run"),
    path(f"{ONE}order/", api.Order.as_view(), name="label-suggester-order"),
    path(f"{ONE}suggestions/", api.Suggested.as_view(), name="label-suggester-suggestions"),
]
