"""Folios: public references with a check character, for people, applications, deliveries and referrals.

    P-7K3M9QX2W    prefix, eight random characters, check character

Letters and digits of Crockford's base 32 (no I, L, O, U). The check character follows the hybrid system
MOD M+1, M of ISO/IEC 7064, here with M = 32: it catches every wrong character. The body is random, so that a folio
tells nothing about the person.
"""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
BODY_LENGTH = 8
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})


def new_folio(prefix: str) -> str:
    """A fresh folio, e.g. new_folio("P") -> 'P-7K3M9QX2W'."""
    body = "".join(secrets.choice(ALPHABET) for _n in range(BODY_LENGTH))
    return f"{prefix}-{body}{check_character(body)}"


def check_character(body: str) -> str:
    """The check character of a body, by the hybrid system MOD (M+1), M of ISO/IEC 7064 with M = 32.

    >>> len(check_character("7K3M9QX2"))
    1
    """
    size = len(ALPHABET)
    check = size
    for letter in body:
        check = (check + ALPHABET.index(letter)) % size or size
        check = check * 2 % (size + 1)
    return ALPHABET[(size + 1 - check) % size]


def normal_folio(typed: str) -> str | None:
    """The folio as stored, from what somebody typed or read aloud; None if it cannot be one.

    >>> body = "7K3M9QX2"
    >>> folio = "P-" + body + check_character(body)
    >>> normal_folio(folio.lower().replace("-", " ")) == folio
    True
    >>> normal_folio("P-00000000X") is None
    True
    """
    compact = "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum())
    prefix, body, check = compact[:1], compact[1:-1].translate(LOOKALIKES), compact[-1:].translate(LOOKALIKES)
    if not prefix.isalpha() or len(body) != BODY_LENGTH or not set(body + check) <= set(ALPHABET):
        return None
    return f"{prefix}-{body}{check}" if check_character(body) == check else None
