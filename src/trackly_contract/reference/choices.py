"""What the reference server can do where the documentation says nothing; docs/edge-cases.md shows what it does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Our answers to the open questions. Codes are strings as in the `code` of an error."""

    null_is_missing: bool = True  # a null inside a group or condition counts as a missing key and is not echoed
    missing_group_operator: str = "invalid_group_operator"  # code for a group without operator
    missing_condition_type: str = "invalid_condition_type"  # code for a condition without type
    missing_field_or_operator: str | None = None  # code for a condition without these; None: that of an unknown one
    understands_camel_case: bool = False  # a request may use `conditionType` where it has no `condition_type`
    keeps_unknown_keys: bool = False  # unknown keys of groups and conditions are stored and echoed, not dropped
    whole_floats_are_ids: bool = True  # `101.0` is the id of the sending list 101, and is stored as `101`
    identical_filter_keeps_cache: bool = True  # the cached size stays after an update with the filter that is stored
    source_lists_keep_cache: bool = True  # the cached size stays after a change of the sending lists
    undocumented: str = "undocumented"  # code of every rejection that has no code in the documentation
    largest_body: int = 5_000_000  # bytes; the overview says 5 MB, which could also be 5 * 1024 * 1024
    counted: int = 12480  # size of an audience that may match someone: the server has no contacts to count


DEFAULT_CHOICES = Choices()
