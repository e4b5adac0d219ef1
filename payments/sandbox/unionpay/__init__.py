"""A stand-in for UnionPay's gateway: same wire format, same signatures, keys of its own."""
