"""What every request passes: middleware, sessions, error pages, rate limits, forms and uploads.

Views use ``rate_limit.RateLimit`` and ``client_address.client_address``.
"""
