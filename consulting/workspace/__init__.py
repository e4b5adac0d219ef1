"""The pages on which consultants work."""
