from .command import serve_gate as serve_gate
from .control import Control as Control
from .coverage import Coverage as Coverage
from .coverage import required as required
from .gate import Gate as Gate
from .gate import NotSentError as NotSentError
from .httpx_routes import HOSTS as HOSTS
from .httpx_routes import Gateway as Gateway
from .httpx_routes import escape_text as escape_text
from .httpx_routes import routed as routed
from .scenarios import (
    OPERATIONS as OPERATIONS,
)
from .scenarios import (
    possible_answers as possible_answers,
)
from .scenarios import (
    possible_faults as possible_faults,
)
from .server import running_gate as running_gate
from .survival import (
    NotApplicableError as NotApplicableError,
)
from .survival import (
    NotSurvivedError as NotSurvivedError,
)
from .survival import (
    Survival as Survival,
)
