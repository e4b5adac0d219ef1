"""A report's text: a title and a body in Markdown, kept together as one Markdown document."""

import hashlib
from dataclasses import dataclass, field

LONGEST_TITLE = 200
LONGEST_TEXT = 100_000


@dataclass(frozen=True)
class Manuscript:
    title: str = field(repr=False)
    text: str = field(repr=False)

    def document(self) -> bytes:
        """What is sealed: the title as the document's heading, then the text."""
        return f"# {self.title}\n\n{self.text}".encode()

    @property
    def sha256(self) -> str:
        """Fingerprint of the document. Computed when read, never stored: it would confirm a guessed text."""
        return hashlib.sha256(self.document()).hexdigest()


def make(title: str, text: str) -> Manuscript:
    """With line ends and surrounding space as they will be kept."""
    body = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return Manuscript(" ".join(title.split()), body)


def read(document: bytes) -> Manuscript:
    heading, _, text = document.decode().partition("\n\n")
    return Manuscript(heading.removeprefix("# "), text)
