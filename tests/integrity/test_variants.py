"""The suite does not cry wolf: no variant is called drift, and each gets its audience back."""

import copy
import http.client
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integrity.test_mutants import one_in_so_many
from tests.integrity.variants import Variant, variants
from tests.support.recordings import get, put
from tests.support.runs import run_server, run_target
from tests.support.way import CONTENT, way
from trackly_contract.contract import contract
from trackly_contract.core import ExitCode, Request, RunVerdict, Verdict
from trackly_contract.generate import Effort
from trackly_contract.reference import ReferenceServer

VARIANTS = variants()
YEARS = {"condition_type": "time", "field": "signup_date", "operator": "before", "unit": "days"}
STATE = {"condition_type": "custom_field", "field": "state", "value": "x"}


def _content(server: ReferenceServer, audience: str) -> dict[str, Any]:
    stored = server.store.audiences.get(audience, {})
    return {name: copy.deepcopy(stored.get(name)) for name in CONTENT}


RUNS = [(variant, "quick") for variant in VARIANTS]
RUNS += [(variant, "standard") for variant in one_in_so_many(VARIANTS, lambda v: v.because.partition(":")[0])]


@pytest.mark.parametrize(("variant", "effort"), [pytest.param(*run, id=f"{run[0].id}, {run[1]}") for run in RUNS])
def test_a_legal_server_is_not_called_drift(variant: Variant, effort: Effort) -> None:
    server: Any = variant.make()
    before = _content(server, variant.audience)
    code, report = run_server(server, effort, variant.audience, variant.over_http)
    broken = {
        f"{result.rule.id}: {finding.actual} in {finding.case}"
        for result in report.results
        for finding in result.findings
        if finding.verdict is Verdict.BROKEN
    }
    assert (sorted(broken), report.suite_failures) == ([], ())
    assert report.verdict is RunVerdict(variant.expects)
    assert code == {"conforms": ExitCode.CONFORMS, "inconclusive": ExitCode.INCONCLUSIVE}[variant.expects]
    after = _content(server, variant.audience)
    assert {name for name in before if before[name] != after[name]} <= variant.left


NOT_IN_A_PROBE: list[Any] = [
    {"description": " padded "},
    {"name": "\udc00"},
    {"status": "archived"},
    {"source_lists": [101.0]},
    {"filter": {"operator": "AND", "conditions": [{**YEARS, "value": 36_500}]}},
    {"filter": {"operator": "AND", "conditions": [{**STATE, "operator": "starts_with"}]}},
]
"""Bodies that touch what the documentation leaves open, and that no question asks about."""


@cache
def _requests() -> list[Request]:
    """What a run sends that asks the open questions too, and more."""
    _, report = run_target(None, "quick", "--trackly-questions")
    return [*(exchange.request for exchange in report.session.exchanges), *map(put, NOT_IN_A_PROBE), get()]


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.over_http is None], ids=lambda variant: variant.id)
def test_a_variant_answers_something_otherwise(variant: Variant) -> None:
    server, reference = variant.make(), ReferenceServer()
    assert any(server.answer(request) != reference.answer(request) for request in _requests())


def _carried(url: str) -> list[Any]:
    """Return what travels for a few requests, as it was written."""
    seen: list[Any] = []
    parts = urlsplit(url)
    for request in _requests()[:12]:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            headers = {**dict(request.headers), "Accept-Encoding": "gzip"}
            connection.request(request.method, parts.path + request.path, request.body, headers)
            answer = connection.getresponse()
            seen.append((answer.version, answer.status, answer.getheaders(), answer.read(), answer.will_close))
        except OSError as error:
            seen.append(type(error))
        finally:
            connection.close()
    return seen


CARRIED = [v for v in VARIANTS if v.over_http is not None and v.because != "HTTP: only slower"]


@pytest.mark.parametrize("variant", CARRIED, ids=lambda variant: variant.id)
def test_a_variant_travels_otherwise(variant: Variant) -> None:
    assert variant.over_http is not None
    with way(ReferenceServer(), stamped=True) as plain, variant.over_http(variant.make()) as url:
        assert _carried(url) != _carried(plain.base_url)


def test_every_variant_has_an_id_of_its_own_and_says_why_it_is_legal() -> None:
    kinds = {"open", "contested", "allowed", "candidate", "silent", "store", "fault", "HTTP"}
    assert len({variant.id for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        kind, _, rest = variant.because.partition(": ")
        assert kind in kinds, variant.id
        assert kind != "open" or rest.partition(",")[0] in contract().questions, variant.id


def test_there_are_plenty_of_both_verdicts() -> None:
    assert len(VARIANTS) >= 75
    assert {variant.expects for variant in VARIANTS} == {"conforms", "inconclusive"}
