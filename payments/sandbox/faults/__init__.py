"""Faults that can be ordered: ``kinds`` lists them, ``registry`` holds what is armed and hands it out."""
