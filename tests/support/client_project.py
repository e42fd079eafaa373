"""A client with tests of its own, in a folder of its own, whose pytest is run."""

import os
import re
from dataclasses import dataclass
from unittest import mock

import pytest

from trackly_contract import gate

# pytester forgets the modules that a run imports; the face of the gate would then hold classes of two copies of one.
for _name in dir(gate):
    getattr(gate, _name)

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
"""

HEAD = """
import unittest

import pytest
from client import ApiError, Client

@pytest.fixture
def client(trackly_api):
    return Client(trackly_api.api_key)

@pytest.fixture
def unknown_key(client, trackly_api):
    return lambda: client.update(trackly_api.audience_id, title=1)

@pytest.fixture
def weeks(client, trackly_api):
    condition = {"condition_type": "time", "field": "signup_date", "operator": "within", "value": 2, "unit": "weeks"}
    filter = {"operator": "AND", "conditions": [condition]}
    return lambda: client.update(trackly_api.audience_id, filter=filter)

"""


class Ran:
    """How a client's pytest ended, and what it said; `outcome` is its last line, such as `1 failed, 2 passed`."""

    def __init__(self, ran: pytest.RunResult) -> None:
        self.code, self.lines = int(ran.ret), [*ran.outlines, *ran.errlines]
        self.text = "\n".join(self.lines)
        self.outcome = re.sub(r" in [\d.]+s.*", "", self.lines[-1])

    def after(self, head: str) -> list[str]:
        """The lines after the section of that name."""
        return self.lines[next(index for index, line in enumerate(self.lines) if f"= {head} =" in line) + 1 :]


@dataclass(frozen=True)
class Project:
    """A folder with a client and its tests."""

    pytester: pytest.Pytester

    def run(self, tests: str, *arguments: str, ini: str = "") -> Ran:
        self.pytester.makepyfile(client=CLIENT, test_client=HEAD + tests)
        self.pytester.makeini(f"[pytest]\naddopts = -W error\n{ini}")
        arguments = ("-q", "-p", "no:cacheprovider", *arguments)
        apart = "-n" in arguments  # pytest-xdist starts processes, which need one of their own
        return Ran(in_a_process(self.pytester, *arguments) if apart else self.pytester.runpytest_inprocess(*arguments))


def in_a_process(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in a process of its own, which starts fast: with the plugins that it needs."""
    plugins = ["-p", "xdist", "-p", "anyio", "-p", "trackly_contract.plugin"]
    with mock.patch.dict(os.environ, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"):
        return pytester.runpytest_subprocess(*plugins, *arguments)
