"""The digest of what a proof was made from, so that `make check` says when docs/proof.md is of other inputs.

It changes with what the suite sends, with what it finds on the reference server, and with what any mutant or variant
answers; not with how the code is written.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from tests.integrity.mutants import all_mutants
from tests.integrity.variants import variants
from tests.support.runs import run_target
from trackly_contract.core import Request
from trackly_contract.generate.cases import EFFORTS


def _of_request(request: Request) -> str:
    return f"{request.method} {request.path} {request.header('X-Api-Key')} {request.body!r}"


def parts() -> Iterator[str]:
    """Yield everything that counts, as text."""
    asked: list[Request] = []
    for effort in EFFORTS:
        _, report = run_target(None, effort)
        exchanges = report.session.exchanges
        asked = asked or [exchange.request for exchange in exchanges]  # those of `quick`
        for exchange in exchanges:
            yield f"{_of_request(exchange.request)} {exchange.response.status} {exchange.response.body!r}"
        yield repr([(result.rule.id, result.verdict.value) for result in report.results])
    servers: list[Any] = [*all_mutants(), *variants()]
    for server in servers:
        answering = server.make()
        yield server.id
        for request in asked:
            response = answering.answer(request)
            yield f"{response.status} {response.body!r}"


def digest() -> str:
    """Return the SHA-256 of all parts, as hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts():
        found.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return found.hexdigest()
