"""Settings of the console, from the environment. Nothing here is secret: the key is made on the first start."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

from console.secret import secret_key

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

TUNELOOP_DATA = Path(env.str("TUNELOOP_DATA", default=str(BASE_DIR / "var"))).resolve()
TUNELOOP_STORAGE = env.str("TUNELOOP_STORAGE", default=f"file://{TUNELOOP_DATA}/files")
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6390/0")
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key(TUNELOOP_DATA)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
IS_HTTPS = env.bool("TUNELOOP_HTTPS", default=False)

# The order is the architecture: a later stage may import an earlier one, never the reverse (docs/architecture.md).
STAGES = [
    "apps.core",
    "apps.accounts",
    "apps.jobs",
    "apps.datasets",
    "apps.labeling",
    "apps.training",
    "apps.evaluation",
    "apps.registry",
    "apps.serving",
    "apps.rollout",
    "apps.gateway",
    "apps.feedback",
    "apps.overview",
]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "channels",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "template_partials",
    *STAGES,
    "console",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # a page without its own say is not public
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.ProblemPages",
]
ROOT_URLCONF = "console.urls"
ASGI_APPLICATION = "console.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["apps.core.templatetags.ui", "django.templatetags.i18n", "django.templatetags.static"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "console.frame.frame",
            ],
        },
    }
]

# --- where things are kept
DATABASES: dict[str, Any] = {"default": env.db("DATABASE_URL", default=f"sqlite:///{TUNELOOP_DATA}/tuneloop.sqlite3")}
_database = DATABASES["default"]
if "sqlite" in _database["ENGINE"]:
    # IMMEDIATE: with the DEFERRED default, 8 writers got "database is locked" in 78 % of transactions; with this, in none.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
    }
elif "postgresql" in _database["ENGINE"]:
    # A dead connection is noticed in seconds, not after TCP's quarter of an hour; the probes see to it while we only wait.
    KEEPALIVES = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "connect_timeout": 5,
        "tcp_user_timeout": 5000,
        **KEEPALIVES,
    }
    _database["CONN_HEALTH_CHECKS"] = True
    # Connections that all threads of a process share: every request has a thread of its own, and would else have a connection too.
    # console/asgi.py asks for them; a worker or command has few threads, and forks. Who waits for longer is told 503.
    if _most := env.int("TUNELOOP_DATABASE_POOL", default=0):
        _pool = {
            "min_size": min(2, _most),
            "max_size": _most,
            "timeout": env.float("TUNELOOP_DATABASE_WAIT", default=10.0),
        }
        _database["OPTIONS"]["pool"] = _pool
_database["CONN_MAX_AGE"] = 0  # under ASGI a kept connection would outlive its thread
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
STATIC_URL = "static/"
STATIC_ROOT = TUNELOOP_DATA / "static"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "apps.core.finders.PackagedFinder",
]
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.*/vendor/plotly-[0-9.]+\.min\.js$"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG or env.bool("STATIC_FROM_SOURCE", default=False)
FILE_UPLOAD_TEMP_DIR = TUNELOOP_DATA / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
MAX_UPLOAD_BYTES = env.int("TUNELOOP_MAX_UPLOAD_BYTES", default=10 * 1024**3)
# Files that come in pieces: announced bytes of one workspace that have not become a dataset yet, and how long they wait.
MAX_UNFINISHED_BYTES = env.int("TUNELOOP_MAX_UNFINISHED_BYTES", default=50 * 1024**3)
UNFINISHED_UPLOADS_KEPT_DAYS = env.int("TUNELOOP_UNFINISHED_UPLOADS_KEPT_DAYS", default=7)

# Folders from which base models may be read by path; `manage.py up` on loopback allows all of the machine.
MODEL_FOLDERS = env.list("TUNELOOP_MODEL_FOLDERS", default=[str(TUNELOOP_DATA / "models")])

# --- people
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "apps.accounts.adapter.ClosedDoor"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- the API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.ApiKeyAuthentication",
        "apps.accounts.authentication.BrowserSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.SafeJSONParser", "apps.core.parsers.SafeMultiPartParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.answers.answer",
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tuneloop",
    "DESCRIPTION": "The whole life of a fine-tuned model. Programs use `Authorization: Bearer tl_...`.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "APPEND_COMPONENTS": {
        "securitySchemes": {"StudioWebhook": {"type": "apiKey", "in": "header", "name": "X-Tuneloop-Secret"}}
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "apps.core.schema.as_answered"],
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "apps.jobs.models.Status",
        "DraftEditKind": "apps.datasets.models.drafts.DraftEdit.Kind",
        "ColumnKind": [("text", "text"), ("number", "number")],
        "LineageKind": "apps.overview.links.KIND_CHOICES",
        "ModelVersionStatus": "apps.registry.models.VersionStatus",
        "RolloutStatus": "apps.rollout.models.RolloutStatus",
        "LabelProjectStatus": "apps.labeling.models.ProjectStatus",
        "LabelAssignmentStatus": "apps.labeling.models.AssignmentStatus",
        "RoundStatus": "apps.evaluation.models.RoundStatus",
        "RoundRule": "apps.evaluation.models.Rule",
        "SuggesterKind": "apps.labeling.models.SuggesterKind",
        "HarvestRule": "apps.labeling.models.Rule",
        "HarvestForm": "apps.labeling.harvest.shapes.FORM_CHOICES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- jobs and live pages
JOB_KINDS = "console.kinds.KINDS"
BASE_MODELS = "console.base_models.ready"
SUGGESTING_MODELS = "console.suggesting.MODELS"
TUNELOOP_AUTO_PROFILE = env.bool("TUNELOOP_AUTO_PROFILE", default=False)  # of each new version; `manage.py up` says yes
# Where engines listen for the console. Loopback on one machine; 0.0.0.0 where web and workers are separate containers.
ENGINE_LISTEN = {"host": env.str("TUNELOOP_ENGINE_HOST", default="127.0.0.1"), "port": 0}
# Label Studio servers of the console's own network, as host or host:port; others are called at public addresses by https only.
TUNELOOP_SLOT_PRICE = env.float(
    "TUNELOOP_SLOT_PRICE", default=0.0
)  # of an hour on a training slot; 0: no cost is shown
TUNELOOP_CURRENCY = env.str("TUNELOOP_CURRENCY", default="EUR")
TUNELOOP_LABEL_STUDIO_HOSTS = env.list("TUNELOOP_LABEL_STUDIO_HOSTS", default=[])
LIVE_TOPICS = "console.topics.look_up"
CHANNEL_LAYERS = {"default": {"BACKEND": "apps.core.layer.LiveLayer", "CONFIG": {"url": REDIS_URL, "capacity": 200}}}

# --- words
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = USE_I18N = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"django.channels.server": {"level": "WARNING"}, "httpx": {"level": "WARNING"}},
}
