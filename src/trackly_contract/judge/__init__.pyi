from .baseline import (
    NEVER as NEVER,
)
from .baseline import (
    Baseline as Baseline,
)
from .baseline import (
    Move as Move,
)
from .baseline import (
    Reading as Reading,
)
from .baseline import (
    before as before,
)
from .baseline import (
    move as move,
)
from .finding_text import failure_text as failure_text
from .finding_text import path_of as path_of
from .finding_text import request_text as request_text
from .finding_text import sent as sent
from .gateway import about_request as about_request
from .gateway import maybe_gateway as maybe_gateway
from .gateway import unlike_api as unlike_api
from .recorded.files import STANDARD_INPUT as STANDARD_INPUT
from .recorded.files import open_traffic as open_traffic
from .recorded.files import read_traffic as read_traffic
from .recorded.record import NotTrafficError as NotTrafficError
from .requests import (
    BESIDE_THE_QUESTIONS as BESIDE_THE_QUESTIONS,
)
from .requests import (
    OPERATIONS as OPERATIONS,
)
from .requests import (
    RequestFault as RequestFault,
)
from .requests import (
    Severity as Severity,
)
from .requests import (
    fails as fails,
)
from .requests import (
    judge_request as judge_request,
)
from .responses import (
    FIELDS as FIELDS,
)
from .responses import (
    describe as describe,
)
from .responses import (
    judge_audience as judge_audience,
)
from .responses import (
    judge_refusal as judge_refusal,
)
from .seen import LiveRecording as LiveRecording
from .seen import Seen as Seen
from .state import BODY_FIELDS as BODY_FIELDS
from .state import AudienceState as AudienceState
from .traffic import ClientFault as ClientFault
from .traffic import Traffic as Traffic
