"""The secrets of the settings: made, recognised by their fingerprints, and rotated.

Apps register what a rotation must seal anew with ``rotation.job``.
"""
