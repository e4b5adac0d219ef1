"""Form parts that several pages of the checkout share: ``fields``, ``contact``, ``form_data``."""
