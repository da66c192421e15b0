"""Connections whose timeout holds for a whole answer. A socket's own holds for each read: who sends a byte now and then
would be listened to for hours, and nothing else would be sent."""

import smtplib
import socket
import ssl
import time
from http.client import HTTPConnection
from typing import Any
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, OpenerDirector, build_opener


class _Bounded:
    """Reads until the timeout, counted from the first read, has passed; then TimeoutError."""

    _until: float | None = None

    def recv_into(self, *given: Any) -> int:
        allowed = self.gettimeout()  # type: ignore[attr-defined]
        if allowed is None:
            return super().recv_into(*given)  # type: ignore[misc, no-any-return]
        self._until = self._until or time.monotonic() + allowed
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.settimeout(left)  # type: ignore[attr-defined]
        try:
            return super().recv_into(*given)  # type: ignore[misc, no-any-return]
        finally:
            self.settimeout(allowed)  # type: ignore[attr-defined]


class _Plain(_Bounded, socket.socket):
    pass


class _Sealed(_Bounded, ssl.SSLSocket):
    pass


def bounded(sock: socket.socket) -> socket.socket:
    """The same connection, bounded."""
    allowed = sock.gettimeout()
    same = _Plain(sock.family, sock.type, sock.proto, fileno=sock.detach())
    same.settimeout(allowed)
    return same


def bounded_context(context: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context, the usual one for clients unless told otherwise, whose connections are bounded."""
    context = context or ssl.create_default_context()
    context.sslsocket_class = _Sealed
    return context


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock = bounded(self.sock)


class _PlainHandler(HTTPHandler):
    def http_open(self, asked: Any) -> Any:
        return self.do_open(_Connection, asked)


class _NoRedirect(HTTPRedirectHandler):
    """A redirected request would carry its secrets and what it says to somewhere else."""

    def redirect_request(self, *_given: Any) -> None:
        return None


def opener() -> OpenerDirector:
    """Opens addresses without following redirects; `timeout` holds for connecting, and again for the whole answer."""
    return build_opener(_NoRedirect, _PlainHandler, HTTPSHandler(context=bounded_context()))


class Smtp(smtplib.SMTP):
    """A mail server's connection, bounded as a whole: from its first word to its last."""

    def _get_socket(self, *given: Any) -> socket.socket:
        return bounded(super()._get_socket(*given))  # type: ignore[misc]


def any_certificate() -> ssl.SSLContext:
    """As smtplib does by itself: a mail server of the house often has a certificate that nobody signed."""
    return bounded_context(ssl._create_unverified_context())  # noqa: S323
