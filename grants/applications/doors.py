"""What every door that hands out an application's files shares."""

from pathlib import Path

from flask import Response, current_app, send_file

from grants.applications.models import Attachment
from grants.core.errors import NotFound


def attachments_folder() -> Path:
    return Path(current_app.instance_path) / "attachments"


def download(attachment: Attachment, *, name: str) -> Response:
    """The stored file under this name, never shown inside a page; NotFound when it is gone."""
    path = attachments_folder() / attachment.storage_name
    if not path.is_file():
        raise NotFound
    answer = send_file(path, mimetype=attachment.media_type, as_attachment=True, download_name=name, max_age=0)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer
