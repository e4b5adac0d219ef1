"""The shopping cart, kept in the session: ``cart.Cart`` reads and changes it, ``locking`` guards it."""
