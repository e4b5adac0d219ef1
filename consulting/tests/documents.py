"""Files as consultants send them, and as nobody should: made on the spot."""

import zipfile
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile

from checkout.tests import files

MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS" + b"-TEST-FILE!$H+H*"


def pdf(inside: bytes = b"canary-file-7741") -> bytes:
    body = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n% " + inside + b"\ntrailer<</Root 1 0 R>>\n"
    return body + b"startxref\n" + str(len(body)).encode() + b"\n%%EOF\n"


def docx(*, main: str = MAIN, **more: bytes) -> bytes:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", f'<Types><Override ContentType="{main}"/></Types>')
        package.writestr("word/document.xml", "<w:document>canary-file-7741</w:document>" * 40)
        for name, content in more.items():
            package.writestr(name, content)
    return written.getvalue()


def zip_that_lies() -> bytes:
    """Its directory says that the text is short."""
    content = bytearray(docx(**{"word/big.xml": bytes(5_000_000)}))
    size = (5_000_000).to_bytes(4, "little")
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = (10).to_bytes(4, "little")
    return bytes(content)


def sent(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


GOOD = {
    "報告.pdf": pdf(),
    "Notes.DOCX": docx(),
    "圖.png": files.picture("PNG"),
    "photo.jpeg": files.picture("JPEG"),
    "photo.jfif": files.picture("JPEG"),
    "筆記.txt": "一行\r\n二行".encode(),
    "windows.txt": "筆記".encode("utf-16"),
}

# name -> (content, words of the refusal)
HOSTILE = {
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "Please send PDF"),
    "page.html": (b"<html>", "Please send PDF"),
    "no suffix": (pdf(), "Please send PDF"),
    "program.pdf.exe": (pdf(), "Please send PDF"),
    "page.pdf": (b"<!doctype html><script>alert(1)</script>", "not what its name says"),
    "drawing.png": (b"<svg onload='alert(1)'/>", "not what its name says"),
    "drawing.txt": (b"<svg onload='alert(1)'/>", "not what its name says"),
    "page.txt": ("\ufeff<!DOCTYPE html><b>x".encode(), "not what its name says"),
    "picture.pdf": (files.picture("PNG"), "not what its name says"),
    "picture.jpg": (files.picture("PNG"), "not what its name says"),
    "program.txt": (b"MZ\0\0\x01\x02", "not what its name says"),
    "latin.txt": (b"caf\xe9", "UTF-8"),
    "both.pdf": (b"%PDF-1.7\n<script>alert(1)</script>\n" + pdf()[9:], "not what its name says"),
    "page in front.pdf": (b"<html>" + pdf(), "not what its name says"),
    "page far in front.pdf": (b" " * 1010 + b"<script>1</script>" + pdf(), "not what its name says"),
    "with zip.pdf": (pdf() + docx(), "not what its name says"),
    "zip in tail.pdf": (pdf()[:-6] + docx() + b"startxref\n0\n%%EOF\n", "not what its name says"),
    "tail.pdf": (pdf() + b"<script>alert(1)</script>", "not what its name says"),
    "half.pdf": (pdf()[:60], "damaged or incomplete"),
    "locked.pdf": (pdf(b"\n5 0 obj<<>>endobj\ntrailer<</Encrypt 5 0 R>>"), "protected by a password"),
    "script.pdf": (pdf(b"\n<</S/JavaScript/JS(app.alert(1))>>"), "could harm"),
    "launch.pdf": (pdf(b"\n<</S/Launch/F(cmd.exe)>>"), "could harm"),
    "locked.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "has a password"),
    "macros.docx": (docx(**{"word/vbaProject.bin": b"x"}), "could harm"),
    "macro main.docx": (docx(main=MAIN.replace("document.main", "macro.main")), "not what its name says"),
    "up.docx": (docx(**{"../../outside.xml": b"x"}), "could harm"),
    "bomb.docx": (docx(**{"word/big.xml": bytes(30_000_000)}), "could harm"),
    "lies.docx": (zip_that_lies(), "damaged or incomplete"),
    "plain zip.docx": (b"PK\x03\x04" + bytes(50), "damaged or incomplete"),
    "virus.docx": (docx(**{"word/media/a.txt": EICAR}), "could harm"),
    "virus.txt": (EICAR, "could harm"),
    "virus.pdf": (pdf(EICAR), "could harm"),
    "bomb.png": (files.bomb(), "too many pixels"),
    "empty.txt": (b"", "is empty"),
}
