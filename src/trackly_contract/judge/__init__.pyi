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
from .expectation import Accepted as Accepted
from .expectation import Expectation as Expectation
from .expectation import Rejected as Rejected
from .expectation import judge as judge
from .finding_text import (
    actual_text as actual_text,
)
from .finding_text import (
    describe as describe,
)
from .finding_text import (
    expected_text as expected_text,
)
from .finding_text import (
    failure_text as failure_text,
)
from .finding_text import (
    path_of as path_of,
)
from .finding_text import (
    request_text as request_text,
)
from .finding_text import (
    sent as sent,
)
from .findings import (
    BrokenError as BrokenError,
)
from .findings import (
    Cache as Cache,
)
from .findings import (
    Finding as Finding,
)
from .findings import (
    Rejection as Rejection,
)
from .findings import (
    Success as Success,
)
from .findings import (
    Value as Value,
)
from .findings import (
    Whole as Whole,
)
from .findings import (
    Words as Words,
)
from .findings import (
    differs as differs,
)
from .findings import (
    held as held,
)
from .gateway import about_request as about_request
from .gateway import maybe_gateway as maybe_gateway
from .gateway import unlike_api as unlike_api
from .recorded.files import (
    STANDARD_INPUT as STANDARD_INPUT,
)
from .recorded.files import (
    NotTrafficError as NotTrafficError,
)
from .recorded.files import (
    open_traffic as open_traffic,
)
from .recorded.files import (
    read_traffic as read_traffic,
)
from .recorded.record import Item as Item
from .recorded.record import Recorded as Recorded
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
from .responses import FIELDS as FIELDS
from .responses import judge_audience as judge_audience
from .responses import judge_rejection as judge_rejection
from .seen import LiveRecording as LiveRecording
from .seen import Seen as Seen
from .seen import Source as Source
from .state import BODY_FIELDS as BODY_FIELDS
from .state import AudienceState as AudienceState
from .state import Event as Event
from .state import Kind as Kind
from .traffic import ClientFault as ClientFault
from .traffic import Traffic as Traffic
