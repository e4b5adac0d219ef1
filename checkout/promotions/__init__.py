"""Promo codes: ``services`` says what a code takes off a cart and counts its uses."""
