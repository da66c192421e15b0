"""Who comes to which session: as many people as there are places, the earlier in the lottery the surer.

Plain arithmetic over numbers, so that anyone can follow it with a pencil: nothing here reads the database.
"""

from collections import deque
from collections.abc import Mapping, Sequence


def seat_people(order: Sequence[int], places: Mapping[int, int], wishes: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Give people, in this order, a place in one of the sessions they can come to, the wish named first if possible.

    Somebody seated before may be asked to another of their sessions to let one more in, never to leave: the number
    of people seated is the greatest possible (augmenting paths, Kuhn 1955). Returns the session by person.

    >>> seat_people([1, 2], {10: 1, 20: 1}, {1: [10, 20], 2: [10]})
    {1: 20, 2: 10}
    """
    seated: dict[int, list[int]] = {session: [] for session in places}
    found: dict[int, int] = {}
    for person in order:
        if len(found) == sum(places.values()):
            break
        _seat(person, places, wishes, seated, found)
    return found


def _seat(
    person: int,
    places: Mapping[int, int],
    wishes: Mapping[int, Sequence[int]],
    seated: dict[int, list[int]],
    found: dict[int, int],
) -> None:
    """Look for the shortest chain of people who make room, then move them."""
    comes = dict.fromkeys(wishes[person], person)  # who would come to a session if somebody left it
    waiting = deque(wishes[person])
    while waiting:
        session = waiting.popleft()
        if len(seated[session]) < places[session]:
            _shift(session, comes, seated, found)
            return
        for other in seated[session]:
            for wish in wishes[other]:
                if wish not in comes:
                    comes[wish] = other
                    waiting.append(wish)


def _shift(session: int, comes: Mapping[int, int], seated: dict[int, list[int]], found: dict[int, int]) -> None:
    left: int | None = session
    while left is not None:
        person, arrived = comes[left], left
        left = found.get(person)
        if left is not None:
            seated[left].remove(person)
        seated[arrived].append(person)
        found[person] = arrived
