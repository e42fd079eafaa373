from .candidates import find_tokens as find_tokens
from .cassettes import CassetteError as CassetteError
from .client import UnusableSettingError as UnusableSettingError
from .journal import LockedError as LockedError
from .live import LiveSession as LiveSession
from .live import Stopped as Stopped
from .live import opened as opened
from .live_history import LastLive as LastLive
from .questions import ask_all as ask_all
from .recording import record as record
from .session import Session as Session
from .session import own_content as own_content
from .steps import Script as Script
from .targets import (
    Target as Target,
)
from .targets import (
    TargetName as TargetName,
)
from .targets import (
    blocked as blocked,
)
from .targets import (
    embedded_target as embedded_target,
)
from .targets import (
    live_target as live_target,
)
from .targets import (
    recorded as recorded,
)
from .targets import (
    replay_target as replay_target,
)
