"""A service that asks for a file, and a folder of its own for what is sent."""

import pytest

from catalog.models import IntakeQuestion
from checkout.tests.scenes import make_service


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def service():
    """A service that asks for a plan and nothing else."""
    variant = make_service()
    variant.product.questions.all().delete()
    IntakeQuestion.objects.create(
        product=variant.product,
        key="plan",
        kind=IntakeQuestion.Kind.FILE,
        label_zh_hant="平面圖",
        label_en="Floor plan",
        is_required=True,
        options={"most": 2, "max_mb": 1, "accept": ["pdf", "jpeg", "png"]},
    )
    return variant
