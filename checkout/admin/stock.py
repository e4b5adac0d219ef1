"""Stock movements in the admin: to look at, for orders make them."""

from django.contrib import admin

from checkout.models import StockMovement
from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch


@admin.register(StockMovement)
class StockMovementAdmin(TolerantSearch, ReadOnlyAdmin[StockMovement]):
    list_display = ["at", "variant", "kind", "quantity", "order"]
    list_filter = ["kind"]
    search_fields = ["variant__sku", "order__number"]
