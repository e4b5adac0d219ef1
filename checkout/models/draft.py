"""What a visitor has typed at checkout."""

from django.db import models

from shop.crypto import EncryptedJSONField


class Draft(models.Model):
    """What a visitor has typed at checkout, sealed; also the lock that makes one cart one order."""

    token = models.CharField(max_length=40, unique=True)  # the cart's token, from the session
    data = EncryptedJSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)
    is_whole = True  # not stored: whether what was typed last found room in it

    def __str__(self) -> str:
        return f"draft {self.pk}"
