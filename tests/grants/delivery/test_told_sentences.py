"""Sentences that are kept are read in the reader's language, whoever's they were when kept."""

from flask import Flask
from flask_babel import force_locale, lazy_gettext, lazy_ngettext

from grants.delivery.models import STATE_NAMES, DeliveryState
from grants.delivery.models.incidents import IN_A_VISIT, OWN_WORDS
from grants.delivery.told import in_english, to_keep, to_show

_ = lazy_gettext


def test_kept_sentence_is_shown_in_each_language(app: Flask) -> None:
    sentence = (
        "This delivery is in the state “%(state)s”, so this step is not possible. Its page shows what can be done."
    )
    with force_locale("en"):
        kept = to_keep(_(sentence, state=STATE_NAMES[DeliveryState.CONFIRMED]))
    with force_locale("es"):
        spanish, name_in_spanish = str(to_show(kept)), str(STATE_NAMES[DeliveryState.CONFIRMED])
    with force_locale("en"):
        english, name_in_english = str(to_show(kept)), str(STATE_NAMES[DeliveryState.CONFIRMED])

    assert name_in_spanish != name_in_english
    assert spanish == (
        f"Esta entrega está en el estado «{name_in_spanish}», así que este paso no es posible. "
        "Su página muestra lo que se puede hacer."
    )
    assert english == sentence % {"state": name_in_english}


def test_numbers_keep_their_plural(app: Flask) -> None:
    kept = to_keep(lazy_ngettext("%(num)d delivery is held.", "%(num)d deliveries are held.", 2))

    with force_locale("en"):
        assert to_show(kept) == "2 deliveries are held."


def test_text_of_older_rows_is_shown_as_it_was(app: Flask) -> None:
    assert to_show("Se planificó.") == "Se planificó."


def test_incident_of_a_visit_is_kept_in_the_words_of_the_code(app: Flask) -> None:
    assert in_english(IN_A_VISIT) in OWN_WORDS
    with force_locale("es"):
        assert in_english(IN_A_VISIT) == "Told in a visit after the delivery."
        assert str(OWN_WORDS[in_english(IN_A_VISIT)]) != in_english(IN_A_VISIT)
