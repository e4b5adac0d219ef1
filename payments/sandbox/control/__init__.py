"""The rehearsal: a page and an API (``views``, ``api_views``) that order faults and acts of the stand-ins."""
