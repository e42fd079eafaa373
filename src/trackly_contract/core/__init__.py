"""JSON on the wire, HTTP values, verdicts, redaction, safe files and output. Knows nothing of audiences."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
