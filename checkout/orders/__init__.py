"""The order after it was placed: its page, mails, look-up, history, cancellation and correction."""
