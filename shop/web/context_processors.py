"""What every template knows of the shop."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from shop.background import outbound
from shop.l10n.languages import current_language


def shop_details() -> dict[str, Any]:
    """Name and contact in the reader's language. Used by pages and mails alike; touches no database."""
    language = current_language()
    return {
        "name": settings.SHOP_NAME[language],
        "name_en": settings.SHOP_NAME["en"],
        "name_zh_hant": settings.SHOP_NAME["zh-hant"],
        "url": settings.SITE_URL,
        "email": settings.CUSTOMER_SERVICE_EMAIL,
        "phone": settings.CUSTOMER_SERVICE_PHONE,
        "terms_version": settings.TERMS_VERSION,
        "is_demo": not settings.PRODUCTION,
        "mailbox_url": f"{settings.SANDBOX_URL}/mailbox/" if settings.SANDBOX_URL else "",
    }


def shop(request: HttpRequest) -> dict[str, Any]:
    return {"shop": shop_details(), "outbound_is_off": outbound.is_off()}
