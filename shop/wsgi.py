"""What gunicorn serves."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import connections

from . import database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
try:
    application = get_wsgi_application()
except ImproperlyConfigured as problem:  # a sentence for the operator, who needs no traceback
    raise SystemExit(str(problem)) from None
database.limit_sessions("web")

from .background import lines  # noqa: E402 - models and what reads the settings can be imported only now
from .keyring import fingerprints  # noqa: E402

lines.limit_requests()
fingerprints.require()
connections.close_all()  # gunicorn forks its workers after this: none may share a connection
