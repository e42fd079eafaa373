"""What the reference server does where the documentation says nothing.

Promises: one frozen value; every field is one open question and its default is our answer to it.
Refuses: to change anything that a page of the API reference states; such a change is a broken server, and is
made by overriding a method of the server.

Answers that are no fields, because one reading is enough here:

- a value may be of any JSON type: `0`, `false`, `""` and `[]` are values;
- `value` and `unit` are kept, and not looked at, where the operator needs neither; so is a `unit` or `field`
  that the condition type has no use for;
- a `field`, `operator`, `unit` or `condition_type` of another JSON type is an unknown token;
- a custom field name that is empty or no string is a missing one;
- letter case counts everywhere, an empty name and repeated list ids are fine, characters are code points;
- a member of the body (`name`, `filter`, ...) that is null has the wrong type; members of other names are
  passed over, the read-only ones included;
- the checks run in the order name, description, source_lists, filter; the first fault is the one answered;
- the API key comes before the path, the path before the method, the method before the id, the id before the
  body; the id is compared as it was written, without decoding percent signs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Our answers to the open questions; codes are strings as they appear in an error's `code`."""

    null_is_missing: bool = True
    """A null inside a group or condition counts as if the key had not been sent, and is not echoed."""

    missing_group_operator: str = "invalid_group_operator"
    """Code for a group without operator."""

    missing_condition_type: str = "invalid_condition_type"
    """Code for a condition without type."""

    missing_field_or_operator: str | None = None
    """Code for a condition that lacks its field or operator; None is the code of an unknown one."""

    understands_camel_case: bool = False
    """Whether a request may say `conditionType` where it does not say `condition_type`."""

    keeps_unknown_keys: bool = False
    """Whether keys without a meaning, in groups and conditions, are stored and echoed, or dropped."""

    whole_floats_are_ids: bool = True
    """Whether `101.0` names the sending list 101; it is then stored as `101`."""

    identical_filter_keeps_cache: bool = True
    """Whether the cached size survives an update with the filter that is stored already."""

    source_lists_keep_cache: bool = True
    """Whether the cached size survives a change of the sending lists."""

    undocumented: str = "undocumented"
    """Code of every refusal that no table of the documentation has a code for."""

    largest_body: int = 5_000_000
    """Longest body in bytes that is read; the overview says 5 MB, which could also be 5 * 1024 * 1024."""

    counted: int = 12480
    """What counting gives where somebody may match, as there are no contacts here to count."""


DEFAULT_CHOICES = Choices()
