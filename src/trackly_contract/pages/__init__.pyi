from .compare import compare_pages as compare_pages
from .compare import described_pages as described_pages
