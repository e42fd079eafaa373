"""Tells a response of the API from one that something in between may have given.

Does not judge: a response that stays is judged like any other.
"""

from trackly_contract.core import Response

NOT_ABOUT_THE_REQUEST = frozenset({403, 408, 421, 425, 429})
"""Refusals that are about who asks, the pace or the connection, and not about what was asked."""


def maybe_gateway(response: Response, *, good_key: bool) -> bool:
    """Whether an answer may come from something in between.

    No JSON object, 3xx, 403, 408, 421, 425, 429, 5xx, and 401 with a good key.
    """
    status = response.status
    if status in NOT_ABOUT_THE_REQUEST or status >= 500 or 300 <= status < 400 or (good_key and status == 401):
        return True
    return not isinstance(response.json.value, dict)


def unlike_api(response: Response) -> bool:
    """Whether a JSON object is nothing that these operations answer: a refusal without a code, a 2xx without an id.

    It may come from something in between, or the API has drifted: if it stays, it is judged.
    """
    answer = response.json.value
    if not isinstance(answer, dict):
        return True
    if not response.succeeded:
        return not isinstance(answer.get("code"), str)
    return not any({"id", "audience_id"} & set(part) for part in (answer, *answer.values()) if isinstance(part, dict))


def about_request(response: Response) -> bool:
    """Whether an answer, suspicious or not, is about the request: not about a key, the pace, a server that fails."""
    return response.status // 100 in (2, 4) and response.status not in {401, *NOT_ABOUT_THE_REQUEST}
