"""The one-page checkout up to its button: ``views``, ``forms``, and ``drafts`` of what was typed."""
