"""What people type, brought into one form: a module for each kind of value, and form fields that use them.

``characters`` holds the rule that all kinds share; ``fields`` is what forms take.
"""
