"""Invented sentences: plain frames, filled with words that no language has, a few frequent and most of them rare."""

import random
from collections.abc import Mapping

SEARCHED = "kittiwake"
"""A word that stands in about one text of fifty, for searches by content."""

_FRAMES = (
    "I want to walk to the {} and meet {} by the {}.",
    "We talked about {} and what helps when the {} comes back.",
    "On a good morning I make {} and water the {} before anything else.",
    "My sister knows the {} and will phone when I stop going to {}.",
    "A quiet room, a cup of {} and the radio with {} on.",
    "It went wrong in {} last year, and this time we start with {} first.",
    "Nobody at {} has to be told twice about the {}.",
    "Two afternoons a week at the {}, with the bus fare paid by {}.",
    "When I hear {} at night I write it down and show {} in the morning.",
    "The team would begin with {}, and I would rather begin with {}.",
    "I am proud of the {} that I built with {} from nothing.",
    "Ask me about {} before you decide about the {}.",
    "What stands in the way is {}, not the {}.",
    "We look at {} together every month and change the {} if we have to.",
)
_ONSETS = ("b", "br", "d", "dr", "f", "g", "gl", "h", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "w")
_NUCLEI = ("a", "e", "i", "o", "u", "ay", "ee", "oa", "ow")
_CODAS = ("", "b", "ck", "d", "l", "lm", "m", "n", "nd", "nt", "p", "r", "rk", "s", "st", "t")


class Inventor(random.Random):
    """Invents by chance; the same from the same seed."""

    def one_of(self, shares: Mapping[str, float]) -> str:
        """Return one of the codes, each as often as its share says."""
        (code,) = self.choices(list(shares), list(shares.values()))
        return code

    def sentences(self, count: int) -> str:
        """Return so many sentences."""
        return " ".join(self._sentence() for _ in range(count))

    def title(self) -> str:
        """Return four words."""
        return " ".join(self._word() for _ in range(4)).capitalize()

    def _sentence(self) -> str:
        frame = self.choice(_FRAMES)
        return frame.format(*(self._word() for _ in range(frame.count("{}"))))

    def _word(self) -> str:
        """Return one of 5,000 words; as in language, the first are frequent and the last are rare."""
        letters = random.Random(int(5_000 ** self.random()))
        parts = (letters.choice(sounds) for _ in range(2) for sounds in (_ONSETS, _NUCLEI, _CODAS))
        return "".join(parts)
