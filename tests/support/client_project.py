"""A client with tests of its own, in a folder of its own, whose pytest is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

CLIENT = """
import httpx

class ApiError(Exception):
    pass

class Client:
    def __init__(self, key, base_url="https://app.tracklysms.com/api", **options):
        self.http = httpx.Client(base_url=base_url, headers={"X-Api-Key": key}, trust_env=False, **options)

    def send(self, method, audience_id, **options):
        try:
            answer = self.http.request(method, f"/v2/audiences/{audience_id}", **options)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ApiError(str(error)) from error

    def read(self, audience_id):
        return self.send("GET", audience_id)

    def update(self, audience_id, **members):
        return self.send("PUT", audience_id, json=members)

    def bad_update(self, audience_id):
        condition = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2}
        condition["unit"] = "weeks"
        return self.update(audience_id, filter={"operator": "AND", "conditions": [condition]})
"""

HEAD = """
import pytest
from client import ApiError, Client

@pytest.fixture
def client(trackly_api):
    return Client(trackly_api.api_key)

"""


@dataclass(frozen=True)
class Ran:
    """How a client's pytest ended, and what it said."""

    code: int
    lines: list[str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def after(self, head: str) -> list[str]:
        """The lines after the section of that name."""
        return self.lines[next(index for index, line in enumerate(self.lines) if f"= {head} =" in line) + 1 :]


@dataclass(frozen=True)
class Project:
    """A folder with a client and its tests."""

    pytester: pytest.Pytester

    def run(self, tests: str, *arguments: str, ini: str = "") -> Ran:
        self.pytester.makepyfile(client=CLIENT, test_client=HEAD + tests)
        self.pytester.makeini(f"[pytest]\naddopts = -p no:cacheprovider -W error\n{ini}")
        apart = "-n" in arguments  # pytest-xdist starts processes, which need one of their own
        run = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
        ran = run("-q", *arguments)
        return Ran(int(ran.ret), [*ran.outlines, *ran.errlines])
