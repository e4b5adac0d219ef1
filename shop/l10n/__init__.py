"""Languages, formats and the working days of the regions."""
