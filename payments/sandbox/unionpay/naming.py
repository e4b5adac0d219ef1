"""By which references an exchange or a transaction may be meant."""

from payments.gateways.unionpay.wire import Fields

from . import transactions


def names(fields: Fields) -> list[str]:
    """Its own, and those of what it is about."""
    found = [fields.get("orderId", ""), fields.get("origQryId", "")]
    original = transactions.find_by_query_id(fields.get("origQryId", ""))
    if original:
        found.append(original["fields"]["orderId"])
    return [name for name in found if name]


def names_of(transaction: transactions.Transaction) -> list[str]:
    return [*names(transaction["fields"]), transaction["query_id"]]
