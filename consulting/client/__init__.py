"""The pages a client opens with the order key."""
