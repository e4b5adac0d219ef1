"""What checkout adds to the money-health page: checks of stock, mails, sums, promo codes and deletion."""
