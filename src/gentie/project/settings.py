"""Settings of the service, read from the environment; what is missing is refused in words.

GENTIE_DATA_DIR          where data, the embedded database and the secret key live (required)
DATABASE_URL             an operator's own PostgreSQL instead of the embedded one
GENTIE_OWNER_DATABASE_URL  the same database, as the role that owns the tables (migrations)
GENTIE_BACKUP_DATABASE_URL  the same database, as a role with BYPASSRLS (`gentie backup`)
GENTIE_DATABASE_ROLE     `application` (the default) or `owner`
GENTIE_HOSTS             names this service answers to, by comma (default: this machine only)
GENTIE_HTTPS             `1` where a proxy speaks HTTPS to the outside and says so
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from gentie.project import postgres


def _data_folder() -> Path:
    named = os.environ.get("GENTIE_DATA_DIR", "").strip()
    if not named:
        raise ImproperlyConfigured(
            "GENTIE_DATA_DIR is not set: name the folder where gentie keeps its data."
        )
    folder = Path(named).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _secret_key(data: Path) -> str:
    """The key that signs sessions: made once, kept in the data folder, readable by us alone."""
    file = data / "secret-key"
    if not file.exists():
        postgres.write_private(file, secrets.token_urlsafe(64))
    return file.read_text().strip()


def _from_url(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must look like postgresql://user:password@host:5432/database."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or options.pop("host", "")),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def _database(data: Path) -> dict[str, object]:
    role = os.environ.get("GENTIE_DATABASE_ROLE", "application")
    if role not in postgres.ROLES:
        raise ImproperlyConfigured(
            f"GENTIE_DATABASE_ROLE is {role!r}: it is one of {', '.join(postgres.ROLES)}."
        )
    url = os.environ.get("DATABASE_URL")
    if url and role == "owner":
        url = os.environ.get("GENTIE_OWNER_DATABASE_URL") or url
    if url:
        found = _from_url(url)
    else:
        try:
            kept = postgres.parameters(data, role)
        except postgres.ServerFailed as failed:
            raise ImproperlyConfigured(str(failed)) from failed
        found = {
            "NAME": kept["dbname"],
            "USER": kept["user"],
            "PASSWORD": kept["password"],
            "HOST": kept["host"],
            "PORT": kept["port"],
            "OPTIONS": {},
        }
    options = found["OPTIONS"]
    assert isinstance(options, dict)
    if role == "application":
        # Fifty writers share a few connections; a migration needs one, and no threads.
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 20}
    return {"ENGINE": "django.db.backends.postgresql", **found}


DATA_DIR = _data_folder()
SECRET_KEY = _secret_key(DATA_DIR)
DEBUG = False
_HTTPS = os.environ.get("GENTIE_HTTPS") == "1"
ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("GENTIE_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
    if host.strip()
]

DATABASES = {"default": _database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "procrastinate.contrib.django",
    "gentie.contexts.audit",
    "gentie.contexts.accounts",
    "gentie.contexts.notices",
    "gentie.contexts.documents",
    "gentie.contexts.ledger",
    "gentie.contexts.grid",
    "gentie.contexts.guide",
    "gentie.contexts.intake",
    "gentie.contexts.studies",
    "gentie.portal",
    "gentie.api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gentie.project.acting.ActingMiddleware",
    "gentie.project.doors.DoorMiddleware",
]

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["gentie.contexts.accounts.backend.SessionPeople"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ("email", "name")}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
LOGIN_URL = "sign_in"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _HTTPS

ROOT_URLCONF = "gentie.project.urls"
WSGI_APPLICATION = "gentie.project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "gentie.portal.frame.frame",
            ],
        },
    },
]

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # pages say a time in the operator's zone, which the rulebook holds

# Tasks are named where they are asked for and stand in the surface that performs them.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["gentie.jobs.tasks"]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = DATA_DIR / "files"

# Nothing from elsewhere, nothing inline: not even for a picture of one pixel.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF],
        "manifest-src": [SELF],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "worker-src": [SELF],
    },
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = _HTTPS
if _HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # It warns at every HEAD request that Django leaves the cutting of the body to it.
    "loggers": {"gunicorn.http.wsgi": {"level": "ERROR"}},
}
