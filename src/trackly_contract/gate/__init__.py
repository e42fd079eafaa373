"""A mock API for the tests of a client, which judges every request and can give every documented response."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
