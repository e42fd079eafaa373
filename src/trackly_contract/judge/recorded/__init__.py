"""Reads recorded traffic: HAR, cassettes and JSON lines become exchanges."""
