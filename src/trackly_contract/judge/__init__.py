"""Turns one exchange into findings: responses, requests, the state of an audience, recorded traffic."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
