"""Celery's configuration, read when it is first needed (the settings may still be loading when the app is made)."""

from django.conf import settings

from apps.jobs.timing import TIMING

broker_url = settings.REDIS_URL
# Without time-outs a publish on a dead connection waits for ever, and so would the page that sent it.
broker_transport_options = {
    "socket_timeout": 2.5,
    "socket_connect_timeout": 2,
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
worker_consumer = "console.consumer:SteadyConsumer"
task_publish_retry = False
task_default_queue = "cpu"
task_ignore_result = True
task_serializer = "json"
accept_content = ["json"]
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
worker_send_task_events = False
beat_schedule = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": TIMING.sweep,
        # A worker that was away for a night shall not find thousands; judged by its clock, which may be wrong by an hour.
        "options": {"queue": "cpu", "expires": 7200},
    },
    "engines": {"task": "serving.keep", "schedule": TIMING.sweep, "options": {"queue": "cpu", "expires": 7200}},
    "sweeps": {"task": "training.keep_sweeps", "schedule": TIMING.sweep, "options": {"queue": "cpu", "expires": 7200}},
    "receptions": {"task": "datasets.clear_receptions", "schedule": 3600, "options": {"queue": "cpu", "expires": 7200}},
    "label_studio": {"task": "labeling.look_at_servers", "schedule": 30, "options": {"queue": "cpu", "expires": 7200}},
    "suggestions": {"task": "labeling.suggest_for_new", "schedule": 30, "options": {"queue": "cpu", "expires": 7200}},
    "labels": {"task": "labeling.freeze_finished", "schedule": 60, "options": {"queue": "cpu", "expires": 7200}},
}
beat_schedule_filename = str(settings.TUNELOOP_DATA / "run" / "beat")
timezone = "UTC"
