from .choices import DEFAULT_CHOICES as DEFAULT_CHOICES
from .choices import Choices as Choices
from .server import (
    AUDIENCE_ID as AUDIENCE_ID,
)
from .server import (
    AUDIENCE_KEYS as AUDIENCE_KEYS,
)
from .server import (
    REFERENCE_KEY as REFERENCE_KEY,
)
from .server import (
    Audience as Audience,
)
from .server import (
    ReferenceServer as ReferenceServer,
)
from .server import (
    documented_audience as documented_audience,
)
from .server import (
    documented_store as documented_store,
)
