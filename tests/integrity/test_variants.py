"""The suite does not cry wolf: no variant is called drift, and each gets its audience back."""

import copy
import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integrity.test_mutants import EVERY
from tests.integrity.variants import Variant, variants
from tests.support.runs import run_server
from tests.support.warm import CONTENT
from tests.support.way import way
from trackly_contract.contract import GUARD, as_request, contract
from trackly_contract.core import ExitCode, Request, RunVerdict, Verdict, encode
from trackly_contract.generate import Effort
from trackly_contract.reference import REFERENCE_KEY, ReferenceServer, documented_audience

VARIANTS = variants()


def _sample() -> list[Variant]:
    """Return one variant in so many of each kind, for a run at `standard`; `make proof` runs all."""
    kinds: dict[str, list[Variant]] = {}
    for variant in VARIANTS:
        kinds.setdefault(variant.because.partition(":")[0], []).append(variant)
    return [variant for found in kinds.values() for variant in found[::EVERY]]


def _content(server: ReferenceServer, audience: str) -> dict[str, Any]:
    stored = server.store.audiences.get(audience, {})
    return {name: copy.deepcopy(stored.get(name)) for name in CONTENT}


RUNS = [(variant, "quick") for variant in VARIANTS] + [(variant, "standard") for variant in _sample()]


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


def _filters() -> Iterator[Any]:
    """Yield filters that touch whatever the documentation leaves open."""
    deep: dict[str, Any] = {"operator": "AND", "conditions": [GUARD]}
    for _ in range(25):
        deep = {"operator": "AND", "groups": [deep]}
    yield deep
    yield {"operator": "AND", "conditions": [GUARD] * 60}
    yield {"operator": "AND", "groups": [{"operator": "AND", "conditions": [GUARD]}] * 12}
    yield {"conditions": [GUARD]}
    yield {"operator": " or ", "conditions": [GUARD]}
    yield {"operator": "or", "conditions": [GUARD]}
    yield {"operator": "NO", "conditions": [{"condition_type": "zz"}], "groups": [{"operator": "NO"}]}
    yield {"operator": "AND", "conditions": [{"condition_type": "zz"}], "groups": [{"operator": "NO"}]}
    yield {"operator": "AND", "conditions": [{"condition_type": "time"}], "groups": [{"operator": "AND"}]}
    for condition in _conditions():
        yield {"operator": "AND", "conditions": [condition]}


def _conditions() -> Iterator[dict[str, Any]]:
    count = {"condition_type": "count", "field": "click_count", "operator": "gte"}
    when = {"condition_type": "time", "field": "signup_date"}
    for value in (0, -1, 3, 3.0, "5", True, None, "", [], [1], 2_000_000_000):
        yield {**count, "value": value}
    yield {**when, "operator": "before", "value": 36_500, "unit": "days"}
    yield {**when, "operator": "exists", "value": 3, "unit": "days"}
    yield {**count, "operator": "GTE", "value": 3}
    yield {**count, "operator": "between", "value": 3}
    yield {**count, "operator": "gt", "field": "conversion_count", "value": 3, "unit": "days", "list_id": 101}
    yield {"conditionType": "count", "field": "click_count", "operator": "gte", "value": 3}
    yield {**GUARD, "conditionType": "time"}
    yield {"field": "click_count", "operator": "gte", "value": 3}
    yield {"condition_type": "count", "operator": "gte", "value": 3}
    yield {"condition_type": "on_dnc", "operator": "eq", "value": True}
    for kind in ("custom_field", "carrier", "timezone", "revenue"):
        for field in ("state", "revenue_total", None):
            for operator in ("eq", "gte", "in", "equals", "starts_with"):
                named = {} if field is None else {"field": field}
                yield {"condition_type": kind, **named, "operator": operator, "value": "x"}
        yield {"condition_type": kind, "field": "revenue_total", "operator": "no", "value": None}


def _bodies() -> Iterator[Any]:
    yield from ({}, {"name": ""}, {"name": " padded "}, {"name": "two\nlines"}, {"name": None}, {"name": "\0"})
    yield from ({"name": "é" * 200}, {"name": "📱" * 200}, {"name": "\udc00"}, {"name": "n" * 300}, [], "text")
    yield from ({"description": ""}, {"description": " padded "}, {"description": None}, {"description": "d" * 20_000})
    yield from ({"zz": 1}, {"status": "archived"}, {"status": "active"})
    ids: list[Any] = [[102, 101], [101, 101], ["101"], [101.0], [101] * 101, [4], None]
    yield from ({"source_lists": entry} for entry in ids)
    bad = {"operator": "NO", "conditions": [{"condition_type": "time"}]}
    yield {"name": "n" * 300, "source_lists": [4], "filter": bad}
    yield {"name": "n" * 300, "filter": bad}
    yield {"source_lists": [4], "filter": bad}
    yield from ({"filter": entry} for entry in _filters())
    yield {"filter": {"operator": "AND", "conditions": [GUARD]}}


def _requests(audience: str) -> Iterator[Request]:
    path = f"/v2/audiences/{audience}"
    good = (("X-Api-Key", REFERENCE_KEY), ("Accept-Encoding", "gzip"))
    for method in ("GET", "PUT"):
        for headers in ((), (("X-Api-Key", ""),), (("X-Api-Key", "trk_" + "z" * 32),)):
            yield Request(method, path, headers, b"{}" if method == "PUT" else b"")
    yield Request("GET", path, good)
    yield Request("PUT", path, good, b'{"name": "Renamed"}')
    yield Request("PUT", path, good, encode({"filter": as_request(documented_audience()["filter"])}))
    yield Request("GET", path + "/size", good)
    yield Request("PUT", path, good, b'{"source_lists": [101]}')
    for body in _bodies():
        yield Request("PUT", path, good, encode(body))
        yield Request("GET", path, good)
    yield Request("GET", path + "/size", good)
    yield Request("GET", path, good)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.over_http is None], ids=lambda variant: variant.id)
def test_a_variant_answers_something_otherwise(variant: Variant) -> None:
    server, reference = variant.make(), ReferenceServer()
    requests = _requests(variant.audience)
    assert any(server.answer(request) != reference.answer(request) for request in requests)


def _carried(url: str) -> list[Any]:
    """Return what travels for a few requests, as it was written."""
    seen: list[Any] = []
    parts = urlsplit(url)
    for request in list(_requests(documented_audience()["id"]))[:9]:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        try:
            connection.request(request.method, parts.path + request.path, request.body, dict(request.headers))
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
