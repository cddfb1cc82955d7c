from django.urls import path

from apps.feedback import views

app_name = "feedback"
urlpatterns = [
    path("", views.list_page, name="list"),
    path("returns/", views.returns, name="returns"),
    path("send/", views.send, name="send"),
    path("dismiss/", views.dismiss, name="dismiss"),
    path("reopen/", views.reopen, name="reopen"),
    path("harvest/", views.harvest, name="harvest"),
    path("train/<uuid:pk>/", views.train, name="train"),
    path("<uuid:pk>/", views.signal, name="signal"),
]
