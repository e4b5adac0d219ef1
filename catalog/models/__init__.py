"""What can be bought: goods and consulting services, in two languages."""

from .absence import Absence
from .category import Category
from .fields import in_language, language_of, validate_art
from .former_address import FormerAddress
from .product import MAX_QUANTITY, Product, ServiceTerms, Variant
from .question import IntakeQuestion
from .stock_receipt import StockReceipt

__all__ = [
    "MAX_QUANTITY",
    "Absence",
    "Category",
    "FormerAddress",
    "IntakeQuestion",
    "Product",
    "ServiceTerms",
    "StockReceipt",
    "Variant",
    "in_language",
    "language_of",
    "validate_art",
]
