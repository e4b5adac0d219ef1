"""How staff sign in: limits, known browsers, the second factor, and sessions of their own."""
