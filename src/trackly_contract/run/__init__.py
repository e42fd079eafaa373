"""Asks one target everything, judges it as it happens, and restores the audience."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
