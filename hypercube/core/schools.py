"""Where schools of saju differ: the choices that a caller has. The tables are `hypercube.saju.facts`."""

from enum import StrEnum


class HiddenStemSet(StrEnum):
    """지장간."""

    KOREAN = "korean"
    """여기, 중기, 본기 with days of thirty (월률분야)."""
    CHINESE = "chinese"
    """Main, middle, residual; the four cardinal branches hold their own element alone (午 also 己)."""


class LifeStageSchool(StrEnum):
    """12운성 of the yin stems."""

    YIN_BACKWARD = "yin_backward"
    """양순음역: yang stems run forward, yin stems backward."""
    YIN_FORWARD = "yin_forward"
    """동생동사: a yin stem goes with the yang stem of its element."""


class BladeSchool(StrEnum):
    """양인."""

    YANG_STEMS = "yang_stems"
    """Only 甲丙戊庚壬 have a blade."""
    ALL_STEMS = "all_stems"
    """Yin stems have theirs in the branch after their 건록 (乙辰 丁未 己未 辛戌 癸丑)."""


class GoegangSchool(StrEnum):
    """괴강."""

    FOUR_DAYS = "four_days"
    """庚辰 庚戌 壬辰 戊戌, as the day pillar."""
    SIX_PILLARS = "six_pillars"
    """戊辰 and 壬戌 as well, in any pillar, as many Korean almanacs print it."""
