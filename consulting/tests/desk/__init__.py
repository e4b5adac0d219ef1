"""Tests of what client and consultant meet: workspace, messages, history, mails."""
