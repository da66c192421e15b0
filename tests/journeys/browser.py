"""A browser without a screen: it follows the links and sends the forms that are on the page, and no others."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

Typed = str | list[str]
NOT_SENT = frozenset({"submit", "button", "file", "reset", "image"})


class Form:
    """A form as it stands: what each of its fields would send, and what may be chosen."""

    def __init__(self, attributes: dict[str, str | None], page: str) -> None:
        self.action = attributes.get("action") or page
        self.sent: dict[str, list[str]] = {}
        self.choices: dict[str, list[str]] = {}
        self.buttons: set[str] = set()

    def add(self, attributes: dict[str, str | None]) -> None:
        kind, name = attributes.get("type") or "text", attributes.get("name")
        if not name or kind in NOT_SENT:
            return
        value = attributes.get("value") or ""
        if kind in ("radio", "checkbox"):
            self.choices.setdefault(name, []).append(value or "on")
            if "checked" in attributes:
                self.sent.setdefault(name, []).append(value or "on")
        else:
            self.sent[name] = [value]

    @property
    def names(self) -> list[str]:
        """The fields in the order of the page."""
        return list(dict.fromkeys([*self.sent, *self.choices]))

    def filled(self, typed: dict[str, Typed]) -> MultiDict[str, str]:
        """What is sent when these fields are filled in. A field or a choice that is not there cannot be."""
        unknown = set(typed) - set(self.names) - self.buttons
        assert not unknown, f"{self.action} has no {unknown}, only {self.names}"
        values = {name: [value] if isinstance(value, str) else value for name, value in typed.items()}
        for name in values.keys() & self.choices.keys():
            assert set(values[name]) <= set(self.choices[name]), (name, values[name], self.choices[name])
        return MultiDict([(name, one) for name, many in {**self.sent, **values}.items() for one in many])


class Page(HTMLParser):
    """What is on a page: its links, its forms, its words."""

    def __init__(self, address: str, answer: TestResponse, *, moved: bool = False) -> None:
        super().__init__()
        self.address, self.answer, self.moved = address, answer, moved
        self.complaints: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.text = ""
        self._open: Form | None = None
        self._select: tuple[str, list[str]] | None = None
        self._area: str | None = None
        if answer.mimetype == "text/html":
            self.feed(answer.text)
            self.complaints = re.findall(r'class="(?:field-error|notice notice-bad)[^>]*>\s*<p>(.*?)</p>', answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        name = attributes.get("name") or ""
        if tag == "a" and attributes.get("href"):
            self.links.append(str(attributes["href"]))
        elif tag == "form":
            self._open = Form(attributes, self.address)
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input":
            self._open.add(attributes)
        elif tag == "button" and name:
            self._open.buttons.add(name)
        elif tag == "select":
            self._select = (name, self._open.choices.setdefault(name, []))
        elif tag == "option" and self._select is not None:
            self._choose(attributes)
        elif tag == "textarea":
            self._area = name
            self._open.sent[name] = [""]

    def _choose(self, attributes: dict[str, str | None]) -> None:
        assert self._open is not None
        assert self._select is not None
        name, choices = self._select
        choices.append(attributes.get("value") or "")
        if "selected" in attributes or len(choices) == 1:  # a browser sends the first if none is chosen
            self._open.sent[name] = [choices[-1]]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None and self._open is not None:
            self._open.sent[self._area] = [self._open.sent[self._area][0] + data.removeprefix("\n")]
        else:
            self.text += data

    def found(self, pattern: str) -> list[str]:
        """What the pattern finds in the words of the page, each once and in order."""
        return list(dict.fromkeys(re.findall(pattern, self.text)))

    def linked(self, pattern: str) -> list[str]:
        """Links whose whole address matches, each once and in order."""
        return list(dict.fromkeys(link for link in self.links if re.fullmatch(pattern, link)))


class Browser:
    """Somebody at work. `page` is what they see."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page: Page

    def open(self, address: str) -> Page:
        """Type an address, or follow it from a letter."""
        return self._see(address, self.client.get(address))

    def follow(self, pattern: str) -> Page:
        """Follow the first link of the page whose whole address matches."""
        links = self.page.linked(pattern)
        assert links, f"{self.page.address} has no link {pattern}, only {self.page.links}"
        return self.open(urljoin(self.page.address, links[0]))

    def form(self, pattern: str) -> Form:
        """The first form of the page whose whole action matches."""
        forms = [form for form in self.page.forms if re.fullmatch(pattern, form.action)]
        assert forms, f"{self.page.address} has no form {pattern}, only {[form.action for form in self.page.forms]}"
        return forms[0]

    def post(self, pattern: str, **typed: Typed) -> Page:
        """Fill in a form of the page and send it, whatever comes back."""
        form = self.form(pattern)
        address = urljoin(self.page.address, form.action)
        return self._see(address, self.client.post(address, data=form.filled(typed)))

    def send(self, pattern: str, **typed: Typed) -> Page:
        """Send a form that is taken: the answer leads on to another page, which opens."""
        page = self.post(pattern, **typed)
        assert page.moved, f"not taken: {page.address} says {page.complaints}"
        assert page.answer.status_code == 200, (page.address, page.answer.status_code)
        return page

    def _see(self, address: str, answer: TestResponse) -> Page:
        moved = False
        while answer.status_code in (301, 302, 303):
            address, moved = urljoin(address, answer.location), True
            answer = self.client.get(address)
        assert answer.status_code < 500, (address, answer.status_code)
        parts = urlsplit(address)
        self.page = Page(parts.path + (f"?{parts.query}" if parts.query else ""), answer, moved=moved)
        return self.page
