"""Every setting of Darkroom, read from the environment once. `.env.example` explains them to operators."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from darkroom import env
from darkroom.unfold import UNFOLD  # noqa: F401 - a setting

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(env.text("DARKROOM_HOME", str(ROOT / "var"))).absolute()

SECRET_KEY = env.kept_secret("SECRET_KEY", HOME / "secret_key")
DEBUG = env.flag("DEBUG", False)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
PORT = env.number("PORT", 8000, low=1, high=65535)
BIND = env.text("DARKROOM_BIND", "127.0.0.1")
# The address under which callers reach us; URLs in API answers start with it, never with a caller's Host header.
PUBLIC_URL = env.text("DARKROOM_URL", f"http://localhost:{PORT}").rstrip("/")

INSTALLED_APPS = [
    "darkroom",
    "pages",
    "generation",
    "loras",
    "jobs",
    "quotas",
    "webhooks",
    "idempotency",
    "accounts",
    "tenants",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_rq",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "servestatic",
]

MIDDLEWARE = [
    "wire.inline.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "wire.middleware.WireMiddleware",
    "tenants.addresses.AddressMiddleware",
    "wire.inline.SessionMiddleware",
    "wire.inline.CommonMiddleware",
    "wire.inline.CsrfViewMiddleware",
    "wire.inline.AuthenticationMiddleware",
    "tenants.middleware.IsolationMiddleware",
    "wire.inline.MessageMiddleware",
    "wire.inline.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "pages.middleware.PagesMiddleware",
]

ROOT_URLCONF = "darkroom.urls"
ASGI_APPLICATION = "darkroom.asgi.application"
APPEND_SLASH = False
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["tenants.sign_in.PatientBackend"]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "create"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_LENGTH = 10
VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": PASSWORD_LENGTH}},
    {"NAME": f"{VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{VALIDATORS}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["email"]}},
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.context.tenancy",
            ]
        },
    }
]

# IMMEDIATE takes SQLite's one write lock at BEGIN, where waiting works; upgrading a read lock later fails at once.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;",
}
DATABASES = {"default": dj_database_url.parse(env.text("DATABASE_URL", f"sqlite:///{HOME / 'darkroom.sqlite3'}"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {"ENGINE": "wire.sqlite", "OPTIONS": SQLITE_OPTIONS}
else:
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # so that PgBouncer may stand between

# Nobody signs in without the database, so what bounds guesses and knows used codes lies there, for all web processes:
# with the store down everybody can still sign in, and no more often than before.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
RQ_QUEUES = {
    "wake": {
        "URL": REDIS_URL,
        # RQ's default, pickle, would run the code of whoever can write to the store.
        "SERIALIZER": "rq.serializers.JSONSerializer",
        # A doorbell that does not answer at once is skipped: the worker looks into the database by itself.
        "REDIS_CLIENT_KWARGS": {"socket_connect_timeout": 0.5, "retry": None},
    }
}
RQ = {"COMMIT_MODE": "auto"}

STATIC_URL = "static/"
STATIC_ROOT = HOME / "static"
SERVESTATIC_MAX_AGE = 3600
MEDIA_ROOT = HOME / "media"
S3_BUCKET = env.text("S3_BUCKET")
PICTURES: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": MEDIA_ROOT},
}
# LoRA files; the checkpoints and ControlNets stay where the operator has them.
WEIGHTS: dict[str, Any] = {"BACKEND": "loras.storage.WholeFiles", "OPTIONS": {"location": HOME / "weights"}}
# How much of them a worker keeps on its disk when their store is S3.
WEIGHTS_CACHE_BYTES = env.gigabytes("DARKROOM_WEIGHTS_CACHE_GB") or 50_000_000_000
# What a store that is full or out of reach raises, by dotted name.
STORAGE_ERRORS = ["builtins.OSError"]
if S3_BUCKET:
    from darkroom import s3  # which needs the s3 extra

    PICTURES = WEIGHTS = s3.pictures(S3_BUCKET, env.text("S3_ENDPOINT_URL") or None)
    STORAGE_ERRORS += s3.ERRORS
STORAGES = {
    "default": PICTURES,
    "weights": WEIGHTS,
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.authentication.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["darkroom.throttling.Counted"],
    "DEFAULT_PARSER_CLASSES": ["wire.strict_json.StrictJSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "idempotency.schema.Schema",
    "EXCEPTION_HANDLER": "wire.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,  # ?format= changes nothing: what Accept says counts
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Darkroom",
    "DESCRIPTION": "Pictures from prompts. OpenAI's clients work on /v1; this is the native API.",
    "VERSION": "1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/(api/)?v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "wire.openapi.complete"],
    "ENUM_NAME_OVERRIDES": {
        "JobStatusEnum": "jobs.models.Status",
        "WebhookStatusEnum": "webhooks.serializers.STATUSES",
        "WebhookEventEnum": "webhooks.events.EVENTS",
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "AUTHENTICATION_WHITELIST": [],
    "SECURITY": [{"ApiKey": []}],
    "APPEND_COMPONENTS": {"securitySchemes": {"ApiKey": {"type": "http", "scheme": "bearer"}}},
}

# Mail. Without a server it is printed into the web process's log, where an operator finds the links.
MAIL_SERVER = env.mail_server("MAIL_URL")
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"Darkroom <darkroom@{urlsplit(PUBLIC_URL).hostname or 'localhost'}>")
EMAIL_TIMEOUT = 10
if MAIL_SERVER:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL_SERVER.tls, MAIL_SERVER.starttls

# Accounts. Off: on a server of one's own, any stranger would paint at the owner's expense. Invitations work anyway.
SIGN_UP = env.flag("DARKROOM_SIGN_UP", False)
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "add_email": "accounts.forms.EmailForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "reauthenticate": "accounts.forms.ConfirmForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# Always, with or without a mail server: it is what keeps secret which addresses have accounts.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_RATE_LIMITS = {"reset_password": "20/m/ip,5/h/key"}
MFA_ADAPTER = "accounts.second_factors.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.second_factor_forms.SignInCodeForm",
    "reauthenticate": "accounts.second_factor_forms.ConfirmCodeForm",
    "activate_totp": "accounts.second_factor_forms.AuthenticatorForm",
    "add_webauthn": "accounts.second_factor_forms.AddPasskeyForm",
    "login_webauthn": "accounts.second_factor_forms.SignInPasskeyForm",
    "authenticate_webauthn": "accounts.second_factor_forms.SecondPasskeyForm",
    "reauthenticate_webauthn": "accounts.second_factor_forms.ConfirmPasskeyForm",
    "edit_webauthn": "accounts.second_factor_forms.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Darkroom"
# Nobody gets in before an address is proven, so nobody can lock its owner out with a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Jobs: the platform knows none of them by name.
JOB_PERFORMERS = {"generation.GenerationJob": "generation.dispatch.Generations"}
# Who counts, for a tenant, what is limited and lies in the rooms above.
LIMIT_COUNTERS = {
    "running_jobs": "jobs.services.count_running",
    "queued_jobs": "jobs.services.count_queued",
    "loras": "loras.room.count_own",
}
# Who refuses that a tenant's days begin elsewhere while that would undo a limit.
TIME_ZONE_CHECK = "quotas.zones.refuse_escape"
WEB_PROCESSES = env.number("DARKROOM_WEB_PROCESSES", 1, low=1, high=64)
# Enough to fill a batch and to let a short one overtake, few enough that other workers have some too.
JOBS_AT_ONCE = env.number("DARKROOM_JOBS_AT_ONCE", 16, low=1, high=1000)
LEASE_SECONDS = env.number("DARKROOM_LEASE_SECONDS", 30, low=1, high=3600)
MAX_QUEUED = env.number("DARKROOM_MAX_QUEUED", 10_000, low=1)
LIMITS_KNOWN_SECONDS = 10  # after how long a process hears that a tenant's request rate has changed
# How long a worker keeps to the weights that are resident while jobs for others wait.
AFFINITY_SECONDS = env.number("DARKROOM_AFFINITY_SECONDS", 10, high=3600)
# After so long a flex job counts as a standard one.
FLEX_WAIT_SECONDS = env.number("DARKROOM_FLEX_WAIT_SECONDS", 600, high=86_400)
MAX_WAITERS = env.number("DARKROOM_MAX_WAITERS", 500, low=1)
MAX_WAITERS_PER_TENANT = env.number("DARKROOM_MAX_WAITERS_PER_TENANT", 100, low=1)

# Generation.
ENGINE = env.text("DARKROOM_ENGINE", "generation.engine.engine.Engine")
CHECKPOINT = env.text("DARKROOM_CHECKPOINT", str(ROOT / "checkpoints" / "mini"))
ENGINE_OPTIONS: dict[str, Any] = {
    "device": env.text("DARKROOM_DEVICE", "auto"),
    "dtype": env.one_of("DARKROOM_DTYPE", "float16", "bfloat16"),
    "device_bytes": env.gigabytes("DARKROOM_DEVICE_GB"),
    "host_bytes": env.gigabytes("DARKROOM_HOST_GB"),
    "step_seconds": env.number("DARKROOM_STEP_MILLISECONDS", 0, high=60_000) / 1000,
    "compile": env.one_of("DARKROOM_COMPILE", "inductor"),
    "fp16_accumulation": env.flag("DARKROOM_FP16_ACCUMULATION", False),
}
CHORES = [
    "generation.storage.remove_discarded",
    "generation.storage.remove_orphans",
    "loras.storage.remove_orphans",
    "generation.intake.uploads.remove_unused",
    "accounts.chores.forget_expired",
    "accounts.chores.remove_unconfirmed",
    "idempotency.keeping.forget_expired",
    "quotas.quotes.remove_expired",
    "webhooks.cleaning.remove_old",
]
# Who tells to what an API key can be limited.
KEY_LIMITS = {"checkpoints": "loras.offers.checkpoints", "loras": "loras.offers.loras"}
# What a message says, for each kind of id: the platform knows none of them.
WEBHOOK_BODIES = {"gen": "generation.telling.generation_data", "whk": "webhooks.serializers.endpoint_data"}
# Hosts (or host:port) that messages may go to though they are not public or speak no TLS.
WEBHOOK_HOSTS = env.names("DARKROOM_WEBHOOK_HOSTS")
OPENAI_MODEL_ALIASES = env.names("DARKROOM_OPENAI_MODEL_ALIASES")
# What an image of a cloud API costs, to compare with; 0 compares with nothing. The default is what OpenAI asks for one
# of 1024x1024 by dall-e-3 in standard quality.
CLOUD_PRICE = env.price("DARKROOM_CLOUD_PRICE", "0.04 USD")
IMAGE_URL_SECONDS = env.number("DARKROOM_IMAGE_URL_SECONDS", 900, low=10, high=86_400)

# Where this process breaks on purpose, in tests and drills.
FAILPOINTS = env.failpoints("DARKROOM_FAILPOINTS")

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "pages.middleware.old_form"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "tenants.scrubbing.ScrubbingFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "rq.worker": {"level": "WARNING"},
        # Scanners try names by the thousand; each gets its 400 and needs no line.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
}
