"""The pages as HTML: documents with a style of their own, readable without script, on paper, and by ear."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from service.fhir.reference import Addresses
from service.narrative.audit_page import AuditPage, audit_caption, audit_title, is_plan
from service.narrative.narrator import Narrator
from service.narrative.plan_page import PlanPage, Related
from service.narrative.rendering import template
from service.narrative.wording import LANGUAGE, WORDS

_STYLE = (files(__package__) / "templates" / "page.css").read_text(encoding="utf-8")
_STYLE_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",  # no script, no image, no font, no request of any kind
        f"style-src 'sha256-{_STYLE_DIGEST}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of the pages: their own style, and nothing else."""


class Pages:
    """Writes the pages of a service."""

    def __init__(self, narrator: Narrator, addresses: Addresses) -> None:
        self._narrator = narrator
        self.addresses = addresses
        """The addresses under which references lead to this service."""
        self._page = template("page.html")
        self._message = template("message.html")
        self._audit = template("audit.html")

    def plan(self, plan: dict[str, Any], related: Related) -> bytes:
        """Return the page of ``plan``."""
        document = PlanPage(plan, related, self._narrator, self.addresses).document()
        record = self._narrator.record(plan)
        changed = plan.get("meta", {}).get("lastUpdated", "")
        return _encoded(
            self._page.render(
                document=document,
                upwards=[
                    (record.reference(reference), f"../CarePlan/{local.id}")
                    for reference in plan.get("partOf", ())
                    if (local := self.addresses.local(reference.get("reference", "")))
                ],
                person=record.person,
                changed=record.say.date(changed),
                **_FIXED,
            )
        )

    def audit(self, bundle: dict[str, Any], about: Sequence[str], links: Sequence[tuple[str, str]]) -> bytes:
        """Return the page of a Bundle of AuditEvents; it says of those resources (``Type/id``) what was asked for."""
        events = [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
        page = AuditPage([name for name in about if not name.startswith("Patient/")])
        return _encoded(
            self._audit.render(
                title=audit_title(about),
                plan=about[0] if is_plan(about) else "",
                caption=audit_caption(len(events), bundle.get("total")),
                is_redacted=any("security" in event["meta"] for event in events),
                rows=map(page.row, events) if events else (),
                links=links,
                **_FIXED,
            )
        )

    def refusal(self, reason: str) -> bytes:
        """Return a page that says why there is nothing else on it: ``missing``, or ``deleted``."""
        title, sentence = WORDS[f"{reason}.title"], WORDS[reason]
        return _encoded(self._message.render(title=title, sentence=sentence, **_FIXED))


_FIXED = {
    "words": WORDS,
    "language": LANGUAGE,
    "style": Markup(_STYLE),  # noqa: S704 - our own file; escaped it would be no style
}


def _encoded(page: str) -> bytes:
    return page.encode(errors="replace")
