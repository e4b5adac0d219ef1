"""A whole shop, or its stores, while processes die, servers are away and many people press at once."""
