"""What still works while one thing is away: table, shop and walk."""
