from django.apps import AppConfig


class RolloutConfig(AppConfig):
    name = "apps.rollout"
    verbose_name = "Rollout"
