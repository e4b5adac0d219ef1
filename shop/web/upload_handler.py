"""Taking in files: in memory only, and no more than the shop can use.

What is too large is dropped while it arrives, so the rest of the form comes through and the page can tell.
Nothing is ever written to a temporary file, where it would lie in plain.
"""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

MAX_FILE_BYTES = (
    25 * 1024 * 1024
)  # bytes of one file: a consultant's; what buyers send is judged more narrowly
MAX_REQUEST_BYTES = 60 * 1024 * 1024  # bytes of all files of one request


class CappedFile(InMemoryUploadedFile):
    """``size`` is what was sent; the content is there only if ``is_whole``."""

    is_whole = True


class CappedUploadHandler(FileUploadHandler):
    chunk_size = 64 * 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.together = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.content, self.is_whole = BytesIO(), True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if not self.is_whole:
            return
        self.together += len(raw_data)
        if start + len(raw_data) > MAX_FILE_BYTES or self.together > MAX_REQUEST_BYTES:
            self.together -= self.content.tell()
            self.content, self.is_whole = BytesIO(), False
            return
        self.content.write(raw_data)

    def file_complete(self, file_size: int) -> "UploadedFile[Any]":
        self.content.seek(0)
        file = CappedFile(
            file=self.content,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
        file.is_whole = self.is_whole
        return file
