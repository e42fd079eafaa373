"""Bodies that are worth sending: strategies, planned updates, the frozen corpus."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
