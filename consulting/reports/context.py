"""What a page shows of a report: the same to its client, to the consultant before publishing, on paper."""

from collections.abc import Callable
from typing import Any

from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_variables

from catalog.models import ServiceTerms
from consulting import report_document
from consulting.models import Case, Report
from consulting.report_document import ReportDocument

from .diff import compare
from .rendering import render as render_markdown


@sensitive_variables()
def report_context(
    report: Report, text: ReportDocument, *, file_url: Callable[[int], str] | None = None
) -> dict[str, Any]:
    """``file_url`` gives the address of the version's n-th file."""
    numbered = enumerate(text.attachments, start=1)
    files = [(file, file_url(number) if file_url else "") for number, file in numbered]
    return {
        "case": report.case,
        "order": report.case.order,
        "report": report,
        "text": text,
        "rendered": render_markdown(text.text),
        "files": [(file, url) for file, url in files if not file.is_report],
        "report_file": next(((file, url) for file, url in files if file.is_report), None),
        "page_lang": page_lang(),
    }


@sensitive_variables()
def comparison_context(old: ReportDocument, new: ReportDocument) -> dict[str, Any]:
    return {"comparison": compare(old, new), "lang": new.lang, "page_lang": page_lang()}


def page_lang() -> str:
    """What our own words beside the report's are marked with."""
    return report_document.LANG.get(get_language() or "", "zh-Hant")


def first_draft(case: Case) -> dict[str, str]:
    """Where a consultant begins: the language the client asked for, the service's usual sections."""
    language = preferred_language(case)
    terms = ServiceTerms.objects.filter(product__variants=case.line.variant_id).first()
    outline = (terms.outline_en if language == "en" else terms.outline_zh_hant) if terms else ""
    sections = [f"## {heading.strip()}\n" for heading in outline.splitlines() if heading.strip()]
    return {"language": language, "body": "\n\n".join(sections)}


def preferred_language(case: Case) -> str:
    """As the client chose it with the details of the line, else the order's."""
    contact = case.line.intakes.filter(subject=0).first()
    answers = contact.answers if contact else []
    chosen = next((answer["value"] for answer in answers if answer.get("key") == "report_language"), None)
    return chosen if chosen in report_document.LANG else case.order.language
