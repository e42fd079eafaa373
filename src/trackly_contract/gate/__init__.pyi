from .command import serve_gate as serve_gate
from .control import Control as Control
from .coverage import Coverage as Coverage
from .coverage import required as required
from .gate import Gate as Gate
from .gate import JudgedRequest as JudgedRequest
from .gate import NotSentError as NotSentError
from .handling import (
    NotApplicableError as NotApplicableError,
)
from .handling import (
    NotHandledError as NotHandledError,
)
from .handling import (
    ScenarioCase as ScenarioCase,
)
from .http import running as running
from .httpx_routes import HOSTS as HOSTS
from .httpx_routes import Gateway as Gateway
from .httpx_routes import routed as routed
from .scenarios import (
    OPERATIONS as OPERATIONS,
)
from .scenarios import (
    Scenario as Scenario,
)
from .scenarios import (
    every_scenario as every_scenario,
)
from .scenarios import (
    network_faults as network_faults,
)
from .scenarios import (
    possible_responses as possible_responses,
)
