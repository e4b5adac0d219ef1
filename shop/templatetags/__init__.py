"""Template tags of every app: amounts, dates and error summaries."""
