"""What the two documentation pages list, typed from them: what is lost in contracts/ or schemas/ is missed by this."""

AUDIENCE_ID = "664f1a2b3c4d5e6f7a8b9c0d"
_REJECTED = """
    name_too_long source_list_not_found invalid_group_operator empty_filter_group invalid_condition_type
    invalid_time_field invalid_time_operator invalid_time_unit missing_time_value invalid_count_field
    invalid_count_operator missing_count_value missing_custom_field_name invalid_custom_field_operator
    missing_custom_field_value invalid_carrier_operator missing_carrier_value invalid_timezone_operator
    missing_timezone_value invalid_revenue_field invalid_revenue_operator missing_revenue_value
"""
CODES = dict.fromkeys(_REJECTED.split(), 400) | {"unauthorized": 401, "not_found": 404}
READ_CODES = {"unauthorized": 401, "not_found": 404}
PAGES = {"get-audience": READ_CODES, "update-audience": CODES}
BODY = ["name", "description", "source_lists", "filter"]
RESPONSE = ["id", *BODY, "cached_size", "cached_size_updated_at", "status", "created_at"]
ROWS = [
    ("get-audience", "get.path.id", None),
    ("update-audience", "put.path.id", None),
    *(("update-audience", f"body.{name}", f"Body Parameters, {name}") for name in BODY),
    *((page, f"response.{name}", f"Response Fields, {name}") for page in PAGES for name in RESPONSE),
]
DOCUMENTED_TOKENS = {
    "group.operator": ["AND", "OR"],
    "time.unit": ["days", "hours", "minutes"],
    "condition_type": ["time", "count"],
    "time.field": ["last_clicked_at"],
    "time.operator": ["within"],
    "count.field": ["click_count"],
    "count.operator": ["gte"],
}
SAYS = {
    "read.key": "401 unauthorized",
    "update.key": "401 unauthorized",
    "read.unknown_id": "404 not_found",
    "update.unknown_id": "404 not_found",
    "update.optional": "name description source_lists filter",
    "update.name.longest": "255",
    "update.name.too_long": "more than 255",
    "update.source_lists": "[]",
    "update.filter": "snake_case camelCase",
    "update.cache.cleared": "cached_size cached_size_updated_at null",
    "update.cache.kept": "name description cached_size cached_size_updated_at",
    "filter.operator.known": "AND OR",
    "filter.operator": "AND OR",
    "filter.empty": "conditions groups",
    "filter.condition_type": "six",
    "filter.time.known": "last_clicked_at within days hours minutes",
    "filter.count.known": "click_count gte",
    "filter.time.unit": "days hours minutes",
    "filter.time.value": "value unit",
    "filter.count.value": "value",
    "filter.custom_field.field": "field",
    "audience.id": "string",
    "audience.name": "string",
    "audience.description": "string",
    "audience.source_lists": "array integers",
    "audience.source_lists.empty": "all lists",
    "audience.filter.keys": "camelCase conditionType",
    "audience.cached_size": "integer null",
    "audience.cached_size.never": "null never",
    "audience.cached_size_updated_at": "null",
    "audience.status": "active archived",
}
