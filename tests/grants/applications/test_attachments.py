import io
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject, TextStringObject
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.attachments import clean_file, stored
from grants.applications.models import Attachment
from grants.core.db import db
from grants.core.errors import RuleBroken
from tests.factories.access import make_user
from tests.factories.applications import make_application

MEBIBYTE = 1024 * 1024
GPS, ORIENTATION = 0x8825, 0x0112


def photo(form: str = "JPEG") -> bytes:
    """40 × 20 pixels taken sideways, with the place and a name in it."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "Casa de Marisol"
    exif.get_ifd(GPS)[2] = (0.0, 21.0, 3.5)
    Image.new("RGB", (40, 20), "red").save(out, form, exif=exif)
    return out.getvalue()


def document(change: Callable[[PdfWriter], None] = lambda writer: None) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_metadata({"/Author": "Marisol Quintero"})
    xmp = StreamObject()
    xmp.set_data(b"<x:xmpmeta>Marisol</x:xmpmeta>")
    writer.root_object[NameObject("/Metadata")] = writer._add_object(xmp)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def act(kind: str) -> Callable[[PdfWriter], None]:
    action = DictionaryObject({NameObject("/S"): NameObject(kind), NameObject("/F"): TextStringObject("calc.exe")})

    def change(writer: PdfWriter) -> None:
        writer.root_object[NameObject("/OpenAction")] = writer._add_object(action)

    return change


def clean(name: str, content: bytes) -> bytes:
    return clean_file(name, content, max_bytes=5 * MEBIBYTE).content


def bomb() -> bytes:
    """A PNG whose header promises 30,000 × 30,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


HOSTILE = {
    "empty.png": b"",
    "page.png": b"<!doctype html><script>alert(1)</script>",
    "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "large.jpg": photo() + bytes(20 * MEBIBYTE),
    "bomb.png": bomb(),
    "cut.jpg": photo()[: len(photo()) // 2],
    "header.pdf": b"%PDF-1.7\n%%EOF",
    "noise.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 50,
    "locked.pdf": document(lambda writer: writer.encrypt("secreto")),
    "script.pdf": document(act("/JavaScript")),
    "launch.pdf": document(act("/Launch")),
    "send.pdf": document(act("/SubmitForm")),
    "inside.pdf": document(lambda writer: writer.add_attachment("virus.exe", b"MZ")) ,
    "programme.exe": b"MZ" + bytes(100),
    "archive.zip": b"PK\x03\x04" + bytes(100),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(RuleBroken) as refusal:
        clean(name, HOSTILE[name])

    assert refusal.value.field == "file"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_image_is_turned_upright_and_loses_its_metadata(form: str) -> None:
    with Image.open(io.BytesIO(clean("foto", photo(form)))) as image:
        assert image.format == form
        assert image.size == (20, 40)
        assert dict(image.getexif()) == {}
        assert dict(image.getexif().get_ifd(GPS)) == {}
    assert b"Marisol" not in clean("foto", photo(form))


def test_png_comments_are_dropped() -> None:
    out, words = io.BytesIO(), PngInfo()
    words.add_text("Author", "Marisol")
    Image.new("RGBA", (4, 4), (255, 0, 0, 128)).save(out, "PNG", pnginfo=words)

    cleaned = clean("logo.png", out.getvalue())

    assert b"Marisol" not in cleaned
    with Image.open(io.BytesIO(cleaned)) as image:
        assert image.getpixel((0, 0)) == (255, 0, 0, 128)


def test_polyglot_loses_what_rides_behind_the_picture() -> None:
    cleaned = clean("foto.jpg", photo() + b"<script>alert(1)</script>%PDF-1.7")

    assert b"script" not in cleaned
    assert b"%PDF" not in cleaned


def test_type_comes_from_the_bytes_not_from_the_name() -> None:
    file = clean_file("C:\\fotos\\..\\recibo\x00.pdf", photo("PNG"), max_bytes=MEBIBYTE)

    assert (file.media_type, file.name) == ("image/png", "recibo.png")


def test_pdf_keeps_its_pages_and_loses_its_metadata() -> None:
    cleaned = clean("proforma.pdf", document())

    reader = PdfReader(io.BytesIO(cleaned))
    assert len(reader.pages) == 1
    assert not reader.metadata
    assert reader.xmp_metadata is None
    assert b"Marisol" not in cleaned


def test_file_is_taken_away_when_the_transaction_fails(tmp_path: Path) -> None:
    file = clean_file("foto.jpg", photo(), max_bytes=MEBIBYTE)

    with pytest.raises(RuleBroken), stored(file, tmp_path / "attachments"):
        raise RuleBroken("no")

    assert list((tmp_path / "attachments").iterdir()) == []


SignIn = Callable[[User], FlaskClient]


def files(app: Flask) -> list[Path]:
    folder = Path(app.instance_path) / "attachments"
    return sorted(folder.iterdir()) if folder.is_dir() else []


@pytest.fixture
def nothing_left(app: Flask) -> None:
    for path in files(app):
        path.unlink()


def send(client: FlaskClient, application_id: int, content: bytes, name: str = "foto.jpg") -> int:
    data = {"file": (io.BytesIO(content), name)}
    return int(client.post(f"/applications/{application_id}/attachments", data=data).status_code)


def test_file_goes_in_clean_and_comes_out_as_a_download(app: Flask, sign_in: SignIn, nothing_left: None) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application = make_application(submitted=False, created_by=rosa)
    client = sign_in(rosa)

    assert send(client, application.id, photo(), "../../foto de mi casa.jpg") == 302

    attachment = db.session.scalars(select(Attachment)).one()
    (path,) = files(app)
    assert path.name == attachment.storage_name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Image.open(path) as image:
        assert dict(image.getexif().get_ifd(GPS)) == {}
    answer = client.get(f"/applications/{application.id}/attachments/{attachment.id}")
    assert answer.data == path.read_bytes()
    assert answer.headers["Content-Disposition"] == 'attachment; filename="foto de mi casa.jpg"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "image/jpeg"


def test_others_do_not_find_the_file(app: Flask, sign_in: SignIn, nothing_left: None) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application, other = make_application(submitted=False, created_by=rosa), make_application(created_by=rosa)
    send(sign_in(rosa), application.id, photo())
    attachment = db.session.scalars(select(Attachment)).one()
    stranger = sign_in(make_user(Role.ENUMERATOR))

    assert stranger.get(f"/applications/{application.id}/attachments/{attachment.id}").status_code == 404
    assert send(stranger, application.id, photo()) == 404
    assert stranger.post(f"/applications/{application.id}/attachments/{attachment.id}/remove").status_code == 404
    assert sign_in(rosa).get(f"/applications/{other.id}/attachments/{attachment.id}").status_code == 404
    assert len(files(app)) == 1


def test_removed_file_leaves_the_disk(app: Flask, sign_in: SignIn, nothing_left: None) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application = make_application(submitted=False, created_by=rosa)
    client = sign_in(rosa)
    send(client, application.id, photo())
    attachment = db.session.scalars(select(Attachment)).one()

    client.post(f"/applications/{application.id}/attachments/{attachment.id}/remove")

    assert files(app) == []
    assert db.session.get_one(Attachment, attachment.id).removed_at is not None
    assert client.get(f"/applications/{application.id}/attachments/{attachment.id}").status_code == 404


def test_submitted_application_takes_no_files_and_gives_none_up(
    app: Flask, sign_in: SignIn, nothing_left: None
) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application = make_application(created_by=rosa)

    assert send(sign_in(rosa), application.id, photo()) == 200
    assert files(app) == []
    assert db.session.scalars(select(Attachment)).all() == []


def test_only_so_many_files(app: Flask, sign_in: SignIn, nothing_left: None) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application = make_application(submitted=False, created_by=rosa)
    client = sign_in(rosa)
    most = app.config["ATTACHMENTS_PER_APPLICATION"]

    answers = [send(client, application.id, photo()) for _n in range(most + 1)]

    assert answers == [302] * most + [200]
    assert len(files(app)) == most


@pytest.mark.parametrize("name", ["page.png", "script.pdf", "empty.png", "cut.jpg"])
def test_refused_upload_says_why_beside_the_field(app: Flask, sign_in: SignIn, nothing_left: None, name: str) -> None:
    rosa = make_user(Role.ENUMERATOR)
    application = make_application(submitted=False, created_by=rosa)
    client = sign_in(rosa)

    answer = client.post(
        f"/applications/{application.id}/attachments", data={"file": (io.BytesIO(HOSTILE[name]), name)}
    )

    assert (answer.status_code, "field-error" in answer.text) == (200, True)
    assert files(app) == []
