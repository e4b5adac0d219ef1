"""The site map. Apps are included by name only."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import import_string

from .monitoring import health
from .web import pages as views

pages = [
    path("help/", views.help_page, name="help"),
    path("contact/", views.contact, name="contact"),
    path("terms/", views.terms, name="terms"),
    path("privacy/", views.privacy, name="privacy"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.choose_language, name="root"),
    path("favicon.ico", views.favicon),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_contact, name="security_contact"),
    *health.urlpatterns,
    # Gateways know no language: gateways:notify, gateways:unionpay_return (a namespace must be unique).
    path("", include((import_string("payments.urls.gateway_urlpatterns"), "gateways"))),
    *i18n_patterns(
        path("", include("catalog.urls")),
        path("", include("cart.urls")),
        path("", include("checkout.urls")),
        path("", include("payments.urls")),
        path("", include("consulting.urls")),
        path("", include((pages, "shop"))),
        path("admin/sign-in/", include("shop.admin.sign_in.urls")),
        # Django's redirect to what a row calls its page: it asks for no permission on the row.
        path("admin/r/<path:row>", views.no_such_page),
        path("admin/autocomplete/", views.no_such_page),  # a search that the audit trail would not know
        path("admin/", admin.site.urls),
    ),
]

handler400 = "shop.web.error_pages.bad_request"
handler403 = "shop.web.error_pages.permission_denied"
handler404 = "shop.web.error_pages.not_found"
handler500 = "shop.web.error_pages.server_error"
