"""Tests of the kernel, and of the whole house: ``journeys``, ``resilience``, ``project``."""
