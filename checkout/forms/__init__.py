"""Form parts that several pages of the checkout share."""
