"""What checkout adds to the money-health page: checks of stock, mails, sums and promo codes."""
