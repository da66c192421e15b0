"""How a code by phone leaves the house: to the console, to a file, or to a provider of SMS or voice over HTTP.

The worker sends, from the outbox: no request waits for a provider, and what fails is tried again while it is of use.
"""

import base64
import json
import secrets
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote_plus, urlsplit
from urllib.request import Request

import click

from grants.core.clock import utcnow
from grants.core.crypto import write_private
from grants.core.db import transaction
from grants.core.outbox import Gateway, Send, TooLate, straight
from grants.delivery.queries.notices import is_true

FOLDER = "sms"
LONGEST_ANSWER = 64 * 1024
AT_HOME = ("127.0.0.1", "localhost", "::1")
SENT = range(200, 300)


class GatewayFailed(OSError):
    """The provider did not take the message. Says why without number or text."""


def sms_gateway(config: dict[str, Any], folder: Path) -> Send:
    """The installation's gateway. `subject`: until when the message is worth sending."""
    send = {"console": _console, "file": _file, "http": _http}[str(config["SMS_GATEWAY"])](config, folder)

    def send_in_time(address: str, subject: str, body: str) -> None:
        if subject and utcnow() >= datetime.fromisoformat(subject):
            raise TooLate
        send(address, subject, body)

    return send_in_time


def while_true(gateway: Gateway, subject: str = "") -> Gateway:
    """Notices of stops go by a gateway as long as they are true. `subject`: what the receiver reads there.

    The message's own subject is the number of its notice; that of an earlier release goes as it is.
    """

    def made(config: dict[str, Any], folder: Path) -> Send:
        send = gateway(config, folder)

        def send_if_true(address: str, number: str, body: str) -> None:
            if not number.isdecimal():
                send(address, number, body)
                return
            with transaction():  # ended before anybody is waited for
                if not is_true(int(number), utcnow()):
                    raise TooLate
            send(address, subject, body)

        return send_if_true

    return made


def _console(_config: dict[str, Any], _folder: Path) -> Send:
    """For a developer's terminal: the code can be read there, so production refuses it."""

    def send(address: str, _subject: str, body: str) -> None:
        click.echo(f"SMS …{address[-3:]}: {body}")

    return send


def _file(_config: dict[str, Any], folder: Path) -> Send:
    """One file for each message, which only the installation's account can read."""

    def send(address: str, _subject: str, body: str) -> None:
        write_private(folder / FOLDER / f"{secrets.token_hex(8)}.txt", f"{address}\n\n{body}\n")

    return send


def _http(config: dict[str, Any], _folder: Path) -> Send:
    """A provider's address, method, headers and body, all from the settings."""

    def send(address: str, _subject: str, body: str) -> None:
        request = _request(config, address, body)
        try:
            with straight.open(request, timeout=float(config["SMS_TIMEOUT"])) as answer:
                status, said = answer.status, answer.read(LONGEST_ANSWER).decode("utf-8", "replace")
        except (OSError, HTTPException, ValueError) as error:
            raise GatewayFailed(type(error).__name__) from None  # its text may hold the number
        if status not in SENT or str(config["SMS_ANSWER"]) not in said:
            raise GatewayFailed(f"answer {status}")

    return send


def _request(config: dict[str, Any], number: str, text: str) -> Request:
    url, headers = str(config["SMS_URL"]), _headers(config)
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in AT_HOME):
        raise GatewayFailed("SMS_URL is not https")
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    written = _writer(kind)
    values = {"number": written(number), "text": written(text)}
    body = Template(str(config["SMS_BODY"])).safe_substitute(values).encode()
    method = str(config["SMS_METHOD"]).upper()
    address = Template(url).safe_substitute(number=quote_plus(number), text=quote_plus(text))
    return Request(address, data=None if method == "GET" else body, headers=headers, method=method)  # noqa: S310 -- checked above


def _headers(config: dict[str, Any]) -> dict[str, str]:
    given = config["SMS_HEADERS"]
    said = given if isinstance(given, dict) else json.loads(str(given) or "{}")
    headers = {str(name): str(value) for name, value in said.items()}
    if config["SMS_USER"]:
        pair = f"{config['SMS_USER']}:{config['SMS_PASSWORD']}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    return headers


def _writer(content_type: str) -> Any:
    """How a value is written inside a body of this type."""
    if "json" in content_type:
        return lambda value: json.dumps(value)[1:-1]
    if "urlencoded" in content_type:
        return quote_plus
    return str
