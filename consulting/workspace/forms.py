"""What consultants type."""

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from checkout.intake.fields import ManyFiles
from consulting import case_messages, report_document
from consulting.keys.forms import OrderKeyForm
from consulting.reports import file_validation
from shop.typed_values.fields import LineField, TextField


class ConsultantKeyForm(OrderKeyForm):
    """The client reads the key out to the consultant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["order_key"].help_text = _(
            "As the client reads it out. Opens the order's cases to you for 24 hours; the client sees that."
        )


class ReportForm(forms.Form):
    """``correcting``: a version was published, so the next one says what is different.

    Files are taken in by ``attachments`` once the text is right; here they only have their fields.
    """

    title = LineField(label=_("Title"), max_length=report_document.MAX_TITLE_LENGTH)
    language = forms.ChoiceField(
        label=_("Language of the report"),
        choices=[("zh-hant", _("Traditional Chinese")), ("en", _("English"))],
    )
    body = TextField(
        label=_("Report text"),
        max_length=report_document.MAX_TEXT_LENGTH,
        strip=False,  # blanks that indent the first line
        help_text=_(
            "Markup: ## heading, **bold**, ~~struck out~~, - list, > quotation, | table |, "
            "[words](https://address). Rows pasted from a spreadsheet are a table too. Empty lines separate"
            " paragraphs; all else is shown as you type it."
        ),
        widget=forms.Textarea(attrs={"rows": 24, "class": "report-text"}),
    )
    note = TextField(
        label=_("What changed"),
        max_length=report_document.MAX_NOTE_LENGTH,
        required=False,
        help_text=_("The client reads it above the report. Needed before the version can be published."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    report_pdf = forms.Field(
        label=_("The report as a PDF"),
        required=False,
        help_text=_("Only if the report is a PDF of your own. The text above is then its covering letter."),
        widget=forms.FileInput(attrs={"accept": ".pdf"}),
    )
    attachments = forms.Field(
        label=_("Attachments"),
        required=False,
        help_text=_("PDF, Word (DOCX), PNG, JPEG or plain text, at most 25 MB each and 10 files."),
        widget=ManyFiles(attrs={"accept": file_validation.ACCEPT}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)  # the stamp of the loaded version

    def __init__(self, *args: Any, correcting: bool = False, needs_note: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = correcting and needs_note
        if correcting:
            self.fields["note"].is_needed = True  # type: ignore[attr-defined]  # shown so, asked for later
        else:
            del self.fields["note"]

    def clean_body(self) -> str:
        body: str = self.cleaned_data["body"].rstrip()
        field = self.fields["body"]
        if field.required and not body:
            raise forms.ValidationError(field.error_messages["required"], code="required")
        return body

    def now_seen(self, stamp: str) -> None:
        """The newer version is shown beside what was typed: saving again is a decision now."""
        data = cast("QueryDict", self.data).copy()
        data["seen"] = stamp
        self.data = data


class MessageToClientForm(forms.Form):
    """What the consultant writes to the client; ``is_open``: there is work left that could wait."""

    text = TextField(
        label=_("Message to the client"),
        max_length=case_messages.MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    needs_answer = forms.BooleanField(
        label=_("I need the answer to go on"),
        required=False,
        help_text=_("The working days stand still until the client answers; the promised day moves by them."),
    )

    def __init__(self, *args: Any, is_open: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_open:
            del self.fields["needs_answer"]


class WithdrawalForm(forms.Form):
    reason = TextField(
        label=_("Why it is withdrawn"),
        max_length=1000,
        help_text=_("The client reads this instead of the report."),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
