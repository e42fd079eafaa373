"""Recordings that tests write: a conversation with the reference server, as entries of a HAR and as lines."""

import io
import json
from collections.abc import Iterable
from typing import Any

from trackly_contract.core import Exchange, Request, Verdict, encode
from trackly_contract.judge import Traffic, read_traffic
from trackly_contract.judge.recorded.record import Item, Recorded
from trackly_contract.reference import AUDIENCE_ID, REFERENCE_KEY, ReferenceServer

ADDRESS = "https://api.invalid/api"
PATH = f"/v2/audiences/{AUDIENCE_ID}"
KEY = (("X-Api-Key", REFERENCE_KEY),)
JSON_KEY = (*KEY, ("Content-Type", "application/json"))
COUNT = {"condition_type": "count", "field": "click_count", "operator": "gte", "value": 3}
TIME = {"condition_type": "time", "field": "last_clicked_at", "operator": "within", "value": 3, "unit": "days"}


def filtered(*conditions: Any) -> dict[str, Any]:
    return {"filter": {"operator": "AND", "conditions": list(conditions)}}


def get(suffix: str = "") -> Request:
    return Request("GET", f"{PATH}{suffix}", KEY)


def put(body: Any) -> Request:
    return Request("PUT", PATH, JSON_KEY, body if isinstance(body, bytes) else encode(body))


def asked(*requests: Request, server: Any = None) -> list[Exchange]:
    """Requests, one after the other, with the responses of a server."""
    server = server or ReferenceServer()
    return [Exchange(request, server.answer(request), number) for number, request in enumerate(requests, 1)]


CONVERSATION = (get(), put({"name": "Clickers"}), get(), put(filtered(COUNT, TIME)), get("/size"), get())


def har_entry(exchange: Exchange, **more: Any) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    sent, received = ([{"name": name, "value": value} for name, value in some.headers] for some in (request, response))
    body = {"postData": {"mimeType": "application/json", "text": request.body.decode()}} if request.body else {}
    url, content = f"{ADDRESS}{request.path}", {"size": len(response.body), "text": response.body.decode()}
    return {
        "request": {"method": request.method, "url": url, "headers": sent, "bodySize": len(request.body), **body},
        "response": {"status": response.status, "headers": received, "content": content},
        **more,
    }


def har(entries: Iterable[Any]) -> bytes:
    return json.dumps({"log": {"version": "1.2", "pages": [], "entries": list(entries)}}).encode()


def line(exchange: Exchange, **more: Any) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    return {
        "method": request.method,
        "url": f"{ADDRESS}{request.path}",
        "request_headers": dict(request.headers),
        "request_body": request.body.decode(),
        "status": response.status,
        "response_headers": dict(response.headers),
        "response_body": response.body.decode(),
        **more,
    }


def lines(values: Iterable[Any]) -> bytes:
    return b"".join(value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n" for value in values)


def read(content: bytes) -> list[Item]:
    return list(read_traffic(io.BytesIO(content), "x"))


def recorded(items: Iterable[Item]) -> list[Exchange]:
    return [item.exchange for item in items if isinstance(item, Recorded)]


def bodies(exchanges: Iterable[Exchange]) -> list[tuple[str, bytes, int, bytes]]:
    """What must survive a format: method, body, status, body."""
    return [(e.request.method, e.request.body, e.response.status, e.response.body) for e in exchanges]


def watched(items: Iterable[Item], *, shared: bool = False) -> Traffic:
    traffic = Traffic(shared=shared)
    for item in items:
        traffic.watch(item)
    traffic.finish()
    return traffic


def judged(exchanges: Iterable[Exchange], **more: Any) -> Traffic:
    """Traffic of one address, record after record."""
    found = enumerate(exchanges, 1)
    return watched(Recorded(exchange, f"x {number}", ADDRESS, **more) for number, exchange in found)


def broken(traffic: Traffic) -> set[str]:
    return {rule for rule, counts in traffic.findings.tally.items() if counts[Verdict.BROKEN]}
