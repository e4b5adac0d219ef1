"""What is different between two versions, so that a person sees it at once: by paragraph, then by words.

Chinese has no spaces between words, so there every character counts; what is left between two changes by
chance alone is shown as changed too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from consulting.report_document import Attachment, ReportDocument

from .rendering import Block, blocks

_TOKENS = re.compile(
    r"[⺀-鿿豈-﫿＀-￯\U00020000-\U0003ffff]"  # one character of Chinese, or its punctuation
    r"|[^\W_⺀-鿿豈-﫿＀-￯\U00020000-\U0003ffff]+|\s+|.",
    re.DOTALL,
)
_SENTENCES = re.compile(r"[^。！？!?.;；\n]*[。！？!?.;；\n]*\s*", re.DOTALL)
_MAX_TOKENS = 600  # of a paragraph that is compared by words; a longer one by sentences
_ALIKE = 0.5  # two paragraphs that share less are another paragraph
_AHEAD = 8  # so far a changed paragraph is looked for
_CONTEXT = 1  # unchanged paragraphs shown beside a change


@dataclass(frozen=True)
class Part:
    kind: str  # same, added or removed
    text: str


@dataclass(frozen=True)
class ParagraphDiff:
    """A paragraph (or heading, row …) of either version, or of both."""

    style: str
    kind: str  # same, added, removed or changed
    parts: list[Part]


@dataclass(frozen=True)
class Hunk:
    """Paragraphs in a row; those far from any change are folded away."""

    is_folded: bool
    paragraphs: list[ParagraphDiff]


@dataclass(frozen=True)
class Comparison:
    hunks: list[Hunk]
    added: list[Attachment]
    removed: list[Attachment]

    @property
    def is_empty(self) -> bool:
        """Nothing that can be read is different."""
        return (
            not self.added
            and not self.removed
            and not any(paragraph.kind != "same" for hunk in self.hunks for paragraph in hunk.paragraphs)
        )


def compare(old: ReportDocument, new: ReportDocument) -> Comparison:
    title_and_text = [[Block("heading", text.title), *blocks(text.text)] for text in (old, new)]
    old_files = {(file.name, file.sha256) for file in old.attachments}
    new_files = {(file.name, file.sha256) for file in new.attachments}
    return Comparison(
        _folded(list(_paragraphs(*title_and_text))),
        [file for file in new.attachments if (file.name, file.sha256) not in old_files],
        [file for file in old.attachments if (file.name, file.sha256) not in new_files],
    )


def _paragraphs(old: list[Block], new: list[Block]) -> Iterator[ParagraphDiff]:
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            yield from (_whole(block, "same") for block in new[j1:j2])
        else:
            yield from _changed(old[i1:i2], new[j1:j2])


def _changed(old: list[Block], new: list[Block]) -> Iterator[ParagraphDiff]:
    """Each old paragraph beside what became of it."""
    place = 0
    for block in old:
        ahead = range(place, min(place + _AHEAD, len(new)))
        match = next((index for index in ahead if _are_alike(block, new[index])), None)
        if match is None:
            yield _whole(block, "removed")
            continue
        yield from (_whole(added, "added") for added in new[place:match])
        yield ParagraphDiff(new[match].style, "changed", list(_parts(block.text, new[match].text)))
        place = match + 1
    yield from (_whole(added, "added") for added in new[place:])


def _whole(block: Block, kind: str) -> ParagraphDiff:
    return ParagraphDiff(block.style, kind, [Part(kind, block.text)])


def _are_alike(old: Block, new: Block) -> bool:
    if old.style != new.style or set(old.text).isdisjoint(new.text):
        return False
    before, after = _tokens(old.text, new.text)
    matcher = SequenceMatcher(None, before, after)
    measures = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)  # cheap ones first
    return all(measure() >= _ALIKE for measure in measures)


def _tokens(*texts: str) -> list[list[str]]:
    """Both by words, or both by sentences."""
    by_words = [_TOKENS.findall(text) for text in texts]
    if max(map(len, by_words)) <= _MAX_TOKENS:
        return by_words
    return [[sentence for sentence in _SENTENCES.findall(text) if sentence] for text in texts]


def _parts(old: str, new: str) -> Iterator[Part]:
    before, after = _tokens(old, new)
    steps: list[list[list[str]]] = []  # pairs of what stood and what stands; the same twice if unchanged
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        pair = [before[i1:i2], after[j1:j2]]
        is_crumb = kind == "equal" and steps and len("".join(pair[0]).strip()) <= 1 and i2 < len(before)
        if steps and (steps[-1][0] != steps[-1][1]) and (kind != "equal" or is_crumb):
            steps[-1] = [[*steps[-1][0], *pair[0]], [*steps[-1][1], *pair[1]]]
        else:
            steps.append(pair)
    for stood, stands in steps:
        if stood == stands:
            yield Part("same", "".join(stands))
            continue
        if stood:
            yield Part("removed", "".join(stood))
        if stands:
            yield Part("added", "".join(stands))


def _folded(paragraphs: list[ParagraphDiff]) -> list[Hunk]:
    changes = [place for place, paragraph in enumerate(paragraphs) if paragraph.kind != "same"]
    near = {place + step for place in changes for step in range(-_CONTEXT, _CONTEXT + 1)}
    runs = groupby(enumerate(paragraphs), key=lambda numbered: numbered[0] not in near)
    split = [(is_far, [paragraph for _place, paragraph in run]) for is_far, run in runs]
    return [Hunk(is_far and len(run) > 1, run) for is_far, run in split]
