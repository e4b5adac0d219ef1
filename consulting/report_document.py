"""What a report says: title and text with its markup, what was changed, and which files belong to it.

All of it is sealed as one: names of files, the note and even the language tell about a person.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

MAX_TITLE_LENGTH = 200
MAX_TEXT_LENGTH = 100_000
MAX_NOTE_LENGTH = 2_000
LANG = {"zh-hant": "zh-Hant", "en": "en"}  # our language code -> what a page puts into ``lang``


@dataclass(frozen=True)
class Attachment:
    """A file of the report. Its content lies sealed in a private folder: see ``reports.report_files``."""

    stored_as: str
    kind: str
    size: int
    name: str = field(repr=False)
    sha256: str = field(repr=False)
    is_report: bool = False  # the report itself; the text is its covering letter


@dataclass(frozen=True)
class ReportDocument:
    title: str = field(repr=False)
    text: str = field(repr=False)
    note: str = field(default="", repr=False)  # what is different from the version before
    language: str = ""  # one of settings.LANGUAGES; empty in versions of before it was asked
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)

    @property
    def report_file(self) -> Attachment | None:
        """The PDF that is the report, if the text is not."""
        return next((file for file in self.attachments if file.is_report), None)

    @property
    def lang(self) -> str:
        """For the ``lang`` attribute: a report may be in another language than the page around it."""
        return LANG.get(self.language) or _guess(self.text or self.title)

    def document(self) -> bytes:
        """The whole as one text, for keeping: what the fingerprint is of."""
        parts = [f"# {self.title}\n\n{self.text}"]
        if self.note:
            parts.append(self.note)
        if self.attachments:
            parts.append("\n".join(f"- {file.name}: SHA-256 {file.sha256}" for file in self.attachments))
        return "\n\n---\n\n".join(parts).encode()

    @property
    def sha256(self) -> str:
        """Fingerprint of the document. Computed when read, never stored: it would confirm a guessed text."""
        return hashlib.sha256(self.document()).hexdigest()

    def packed(self) -> bytes:
        """What is sealed."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()


def make(
    title: str, text: str, *, note: str = "", language: str = "", attachments: Iterable[Attachment] = ()
) -> ReportDocument:
    """With line ends and surrounding space as they will be kept."""
    return ReportDocument(
        " ".join(title.split()), _lines(text).strip("\n"), _lines(note).strip(), language, tuple(attachments)
    )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read(sealed: bytes) -> ReportDocument:
    """From what was sealed. The first reports were sealed as a bare text, which begins with its title."""
    text = sealed.decode()
    if text.startswith("# "):
        heading, _, body = text.partition("\n\n")
        return ReportDocument(heading.removeprefix("# "), body)
    parts = json.loads(text)
    files = tuple(Attachment(**file) for file in parts.pop("attachments"))
    return ReportDocument(**parts, attachments=files)


def _guess(text: str) -> str:
    """Chinese as soon as a tenth of the letters is Han."""
    letters = [symbol for symbol in text if symbol.isalpha()]
    return "zh-Hant" if 10 * sum(symbol >= "⺀" for symbol in letters) > len(letters) else "en"
