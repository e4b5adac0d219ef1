"""Tests of questions, answers, consents and uploads."""
