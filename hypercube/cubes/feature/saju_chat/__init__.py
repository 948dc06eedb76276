"""The saju-chat cube: a conversation about charts goes in, the pieces of a grounded answer come out."""

from hypercube.cubes.feature.saju_chat.cube import SajuChatCube
from hypercube.cubes.feature.saju_chat.parts import SajuChatOptions

__all__ = ["SajuChatCube", "SajuChatOptions"]
