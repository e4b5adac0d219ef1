"""What the privacy page lists of the questions: their purpose, and how long their answers are kept."""

from itertools import groupby

from shop.privacy import retention

from .models import IntakeQuestion


def personal_questions() -> retention.Questions:
    """Of what is on sale. One query."""
    questions = IntakeQuestion.objects.filter(is_personal=True, product__is_active=True)
    questions = questions.select_related("product").order_by("product__code", "position", "id")
    return [
        (product.name, [retention.Question(each.label, each.purpose, each.keep_days) for each in asked])
        for product, asked in groupby(questions, lambda each: each.product)
    ]


retention.declare_questions(personal_questions)
