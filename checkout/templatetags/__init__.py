"""Template tags about shipping and promo codes, for pages of every app."""
