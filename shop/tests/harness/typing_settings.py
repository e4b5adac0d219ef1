"""The demo's settings for the type checker, which starts from nothing: see pyproject.toml."""

import os

os.environ.setdefault("SHOP_MODE", "demo")

from shop.settings import *
