"""What the reference server does where the documentation says nothing.

Each field of `Choices` is one open question; its default is our answer. Where one answer is enough, it is no field:

- A value may be of any JSON type: `0`, `false`, `""` and `[]` are values.
- `value` and `unit` are kept and ignored where the operator does not need them. So is a `unit` or `field` that the
  condition type does not use.
- A `field`, `operator`, `unit` or `condition_type` of another JSON type is an unknown token.
- A custom field name that is empty or no string is a missing one.
- Letter case always counts, an empty name and repeated list ids are accepted, characters are code points.
- A field of the body that is null has the wrong type. Unknown and read-only fields of the body are ignored.
- The checks run in the order name, description, source_lists, filter; the first fault decides the response.
- The API key is checked before the path, the path before the method, the method before the id, the id before the
  body. The id is compared as it was written, without decoding percent signs.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Our answers to the open questions. Codes are strings as in the `code` of an error."""

    null_is_missing: bool = True
    """Whether a null inside a group or condition counts as a missing key and is not echoed."""

    missing_group_operator: str = "invalid_group_operator"
    """Code for a group without operator."""

    missing_condition_type: str = "invalid_condition_type"
    """Code for a condition without type."""

    missing_field_or_operator: str | None = None
    """Code for a condition without its field or operator. None: the code of an unknown one."""

    understands_camel_case: bool = False
    """Whether a request may use `conditionType` where it has no `condition_type`."""

    keeps_unknown_keys: bool = False
    """Whether unknown keys of groups and conditions are stored and echoed, or dropped."""

    whole_floats_are_ids: bool = True
    """Whether `101.0` is the id of the sending list 101. It is then stored as `101`."""

    identical_filter_keeps_cache: bool = True
    """Whether the cached size stays after an update with the filter that is stored already."""

    source_lists_keep_cache: bool = True
    """Whether the cached size stays after a change of the sending lists."""

    undocumented: str = "undocumented"
    """Code of every rejection that has no code in the documentation."""

    largest_body: int = 5_000_000
    """Longest accepted body in bytes. The overview says 5 MB, which could also be 5 * 1024 * 1024."""

    counted: int = 12480
    """Size of an audience that may match someone: the server has no contacts to count."""


DEFAULT_CHOICES = Choices()
