"""The payment protocol as an executable model: what can go wrong goes wrong, in random order.

Every process is a generator. Each ``yield`` is a point where it can be killed for ever, or where others run;
what stands between two of them is one transaction or one call to a gateway. ``protocol`` mirrors
``payments/attempts``, ``payments/refunds`` and ``payments/webhooks/inbox.py`` step by step: who
changes those changes this. ``controls`` holds protocols that are known to be wrong, and ``MECHANISMS`` what
can be switched off in ours; both show that the checker sees.

The database is modelled as serial. What READ COMMITTED adds is for the forced races.
"""

from .checker import faults_of
from .controls import Naive, OrderFirst
from .gateway import Lost
from .protocol import Shop, without
from .rows import MECHANISMS
from .schedule import HOSTILE, PEACEFUL, campaign, run

__all__ = [
    "HOSTILE",
    "MECHANISMS",
    "PEACEFUL",
    "Lost",
    "Naive",
    "OrderFirst",
    "Shop",
    "campaign",
    "faults_of",
    "run",
    "without",
]
