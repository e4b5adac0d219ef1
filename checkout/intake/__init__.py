"""What a consultant must know: ``forms`` asks, ``answers`` stores, ``uploads`` keeps the files."""
