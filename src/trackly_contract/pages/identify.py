"""Which of the contract's pages a saved page is.

Promises: the page's own request line, examples and tables decide, never its name or title; a page that breaks off
before rows of the contract is not taken for one that lost them.
Refuses: what is of another operation, of several, or of none, in a sentence that says what to save instead.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from trackly_contract.core import short
from trackly_contract.pages.expected import held_pages, same_path
from trackly_contract.pages.file import SAVE, NotAPageError
from trackly_contract.pages.request import url_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trackly_contract.pages.expected import Held
    from trackly_contract.pages.facts import Facts
    from trackly_contract.pages.page import Page

LEAST = 0.25
"""Share of the contract's rows that a page of an operation has at least."""

MOST_OPERATIONS = 3
"""Operations that a page may name: its own, and one as its examples write it, where these differ."""

ALIKE = 0.6
"""Share of the contract's rows that makes a page one of an operation, though method or path say otherwise."""


def recognised(page: Page, facts: Facts, pages: tuple[Held, ...] = ()) -> Held:
    """Return what the contract holds of the page that these facts are from.

    `pages` are those it may be, by default all that the contract has. Raises NotAPageError, without the file's name, if
    it is of neither operation, states hardly anything, or breaks off.
    """
    pages = pages or held_pages()
    stated = [*facts.request_lines]
    stated += [(sent.stated["method"], sent.stated.get("path", "")) for sent in facts.commands]
    stated = [(method, url_facts(path)["path"]) for method, path in stated]
    several = dict.fromkeys(f"{method} {path}" for method, path in stated)
    if len(several) > MOST_OPERATIONS:
        raise NotAPageError(f"a page of several operations ({short(', '.join(several), 120)}); {_wanted(pages)}")
    votes = Counter(held.page for held in pages for m, p in stated if m == held.method and same_path(p, held.path))
    present = {row.place for row in facts.rows}
    shares = {held.page: len(present & set(held.rows)) / len(held.rows) for held in pages}
    # Of two that are alike, the one with more rows: all rows of one page may stand on the other too.
    best = max(pages, key=lambda held: (votes[held.page], shares[held.page], len(held.rows)))
    if not votes:
        # Another version or another method of the same page still ends in one audience.
        single = all(path.rstrip("/").rpartition("/")[2][:1] in "{:0123456789" for _, path in stated)
        if not single or shares[best.page] < ALIKE:
            others = ", ".join(several)
            what = f"a page of another operation ({short(others, 120)})" if others else "no page of an operation"
            raise NotAPageError(f"{what}; {_wanted(pages)}")
    if shares[best.page] < LEAST:
        rows = f"{len(present & set(best.rows))} of the {len(best.rows)} rows of its tables"
        raise NotAPageError(f"names {best.operation} but has {rows}: no page of it, or cut off; {SAVE}, whole")
    _whole(page, facts, best)
    return best


def _wanted(pages: Iterable[Held]) -> str:
    return "name a saved page of " + " or ".join(f"{held.operation} ({held.title})" for held in pages)


def _whole(page: Page, facts: Facts, held: Held) -> None:
    """Refuse a page that breaks off: rows are missing, and nothing follows where they would stand."""
    present = {row.place for row in facts.rows}
    gone = [row for row in held.rows.values() if row.place not in present]
    last = max(held.rows.values(), key=lambda row: row.stated.get("status", ""))
    if gone and (page.cut or (last in gone and not facts.after)):
        where = page.cut or "after its last table or example"
        raise NotAPageError(
            f"the page of {held.operation} breaks off {where}, {len(gone)} rows of its tables are missing "
            f"({gone[0].place} ... {gone[-1].place}); {SAVE}, whole"
        )
