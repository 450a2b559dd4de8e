"""The colours of the pictures, by what they mean; a page puts its own in their place, in the dark for instance."""

PALETTE = {
    "text": "#20242a",
    "quiet": "#545d68",
    "grid": "#ded9ce",
    "line": "#0b5a8a",
    "area": "#c9dcea",
    "then": "#8fa6b5",
    "few": "#efe9dc",
    "part-0": "#2b5f86",
    "part-1": "#b9812f",
    "part-2": "#7d74a8",
    "part-3": "#8b9299",
    "part-4": "#c4c9cc",
    "card": "#ffffff",
}
"""Calm ones, of which none says good or bad; each has another lightness than its neighbour, for who sees no hue."""
