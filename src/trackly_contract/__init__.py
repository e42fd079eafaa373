"""Contract tests and a conformance suite for the audiences API of Trackly SMS."""

from importlib.metadata import version

__version__ = version("trackly-contract")
