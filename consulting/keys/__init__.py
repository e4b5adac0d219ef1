"""Order keys: issued, found, sent again, replaced, revoked. Public face: ``services`` and ``lifecycle``."""
