"""The table of who may open which page, and a world with one of each row to open them in."""
