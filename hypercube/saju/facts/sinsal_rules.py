"""Sinsal (신살) as data: what each is read from, where it falls, and who says so.

A rule by stem or branch is a table "basis letter, then target letters": 甲丑未 = for 甲, the branches 丑 and
未; 子:甲子 = for 子, that pillar. A rule by pillar is the list of pillars that are it. Sources are given per
rule: 三命 = 三命通會, 淵海 = 淵海子平, 관행 = common usage of Korean almanacs and textbooks.

Where schools differ (the choice made here first): 괴강 four days or six pillars (`GoegangSchool`); 양인 of
yang stems only or of all (`BladeSchool`); 홍염 of 乙 in 午 and 癸 in 申 (others 乙申, 丙丁寅, 癸子); 학당 by
장생 of the stem itself, yin stems too (others give yin stems their yang partner's); 귀문 and 원진 from the
day branch (others from the year's too, or any two); 천을 from the day stem (others from the year stem too);
천덕 of 卯午酉子 months on branches (申亥寅巳).
"""

from typing import Final

from hypercube.saju.facts.sinsal_rule import BAD, DAY, GOOD, HOUR, MIXED, by_season, by_triad, rule

_PEACH: Final = by_triad("酉", "卯", "午", "子")
_HORSE: Final = by_triad("寅", "申", "亥", "巳")
_CANOPY: Final = by_triad("辰", "戌", "丑", "未")
_RESENT: Final = "子未 未子 丑午 午丑 寅酉 酉寅 卯申 申卯 辰亥 亥辰 巳戌 戌巳"
_GHOST: Final = "子酉 酉子 丑午 午丑 寅未 未寅 卯申 申卯 辰亥 亥辰 巳戌 戌巳"

BLADE_YANG: Final = "甲卯 丙午 戊午 庚酉 壬子"
BLADE_ALL: Final = "甲卯 乙辰 丙午 丁未 戊午 己未 庚酉 辛戌 壬子 癸丑"
GOEGANG_FOUR: Final = "庚辰 庚戌 壬辰 戊戌"
GOEGANG_SIX: Final = "庚辰 庚戌 壬辰 戊戌 戊辰 壬戌"

RULES: Final = (
    rule(
        "cheoneul 천을귀인 天乙貴人 heavenly noble",
        GOOD,
        "day_stem",
        "甲丑未 戊丑未 庚丑未 乙子申 己子申 丙亥酉 丁亥酉 辛午寅 壬巳卯 癸巳卯",
        "淵海 論天乙貴人; 三命 論天乙貴人",
    ),
    rule(
        "cheondeok 천덕귀인 天德貴人 heavenly virtue",
        GOOD,
        "month_branch",
        "寅丁 卯申 辰壬 巳辛 午亥 未甲 申癸 酉寅 戌丙 亥乙 子巳 丑庚",
        "淵海 論天德; 三命 論天月德",
    ),
    rule(
        "woldeok 월덕귀인 月德貴人 monthly virtue",
        GOOD,
        "month_branch",
        by_triad("壬", "丙", "庚", "甲"),
        "淵海 論月德; 三命 論天月德",
    ),
    rule(
        "munchang 문창귀인 文昌貴人 literary star",
        GOOD,
        "day_stem",
        "甲巳 乙午 丙申 丁酉 戊申 己酉 庚亥 辛子 壬寅 癸卯",
        "관행 (祿 of the 식신, fire and earth alike)",
    ),
    rule(
        "mungok 문곡귀인 文曲貴人 arts star",
        GOOD,
        "day_stem",
        "甲亥 乙子 丙寅 丁卯 戊寅 己卯 庚巳 辛午 壬申 癸酉",
        "관행",
    ),
    rule(
        "hakdang 학당귀인 學堂貴人 academy",
        GOOD,
        "day_stem",
        "甲亥 乙午 丙寅 丁酉 戊寅 己酉 庚巳 辛子 壬申 癸卯",
        "三命 論學堂詞館 (長生)",
    ),
    rule(
        "taegeuk 태극귀인 太極貴人 great ultimate noble",
        GOOD,
        "day_stem",
        "甲子午 乙子午 丙卯酉 丁卯酉 戊辰戌丑未 己辰戌丑未 庚寅亥 辛寅亥 壬巳申 癸巳申",
        "三命 論太極貴",
    ),
    rule(
        "cheonju 천주귀인 天廚貴人 heavenly kitchen",
        GOOD,
        "day_stem",
        "甲巳 乙午 丙巳 丁午 戊申 己酉 庚亥 辛子 壬寅 癸卯",
        "관행 (祿 of the 식신)",
    ),
    rule(
        "gugin 국인귀인 國印貴人 state seal",
        GOOD,
        "day_stem",
        "甲戌 乙亥 丙丑 丁寅 戊丑 己寅 庚辰 辛巳 壬未 癸申",
        "관행",
    ),
    rule(
        "geumyeo 금여 金輿 golden carriage",
        GOOD,
        "day_stem",
        "甲辰 乙巳 丙未 丁申 戊未 己申 庚戌 辛亥 壬丑 癸寅",
        "三命 論金輿 (祿前二位)",
    ),
    rule(
        "amrok 암록 暗祿 hidden prosperity",
        GOOD,
        "day_stem",
        "甲亥 乙戌 丙申 丁未 戊申 己未 庚巳 辛辰 壬寅 癸丑",
        "관행 (六合 of the 祿)",
    ),
    rule(
        "geonrok 건록 建祿 prosperity",
        GOOD,
        "day_stem",
        "甲寅 乙卯 丙巳 丁午 戊巳 己午 庚申 辛酉 壬亥 癸子",
        "淵海 論十干祿; 三命 論十干祿",
    ),
    rule("yangin 양인살 羊刃殺 blade", MIXED, "day_stem", BLADE_YANG, "淵海 論陽刃; 三命 論羊刃"),
    rule(
        "biin 비인살 飛刃殺 flying blade",
        BAD,
        "day_stem",
        "甲酉 丙子 戊子 庚卯 壬午",
        "三命 論羊刃 (飛刃, the clash of the blade)",
    ),
    rule(
        "hongyeom 홍염살 紅艶殺 red charm",
        MIXED,
        "day_stem",
        "甲午 乙午 丙寅 丁未 戊辰 己辰 庚戌 辛酉 壬子 癸申",
        "관행 (after the verse 多情多慾少人知)",
    ),
    rule(
        "nakjeong 낙정관살 落井關殺 falling in the well",
        BAD,
        "day_stem",
        "甲巳 己巳 乙子 庚子 丙申 辛申 丁戌 壬戌 戊卯 癸卯",
        "관행 (小兒關殺)",
        ("day", "hour"),
    ),
    rule(
        "baekho 백호살 白虎殺 white tiger",
        BAD,
        "pillar",
        "甲辰 乙未 丙戌 丁丑 戊辰 壬戌 癸丑",
        "관행 (백호대살: the pillars of the centre of the nine palaces)",
    ),
    rule("goegang 괴강살 魁罡殺 goegang", MIXED, "pillar", GOEGANG_FOUR, "三命 魁罡; 淵海 魁罡格", DAY),
    rule(
        "hyeonchim 현침살 懸針殺 hanging needle",
        MIXED,
        "pillar",
        "甲午 甲申 辛卯",
        "관행 (stems and branches written with a stroke like a needle)",
    ),
    rule(
        "goran 고란살 孤鸞殺 lonely phoenix",
        BAD,
        "pillar",
        "甲寅 乙巳 丁巳 戊申 辛亥",
        "관행",
        DAY,
        "female",
    ),
    rule(
        "chachak 음양차착살 陰陽差錯殺 yin-yang mismatch",
        BAD,
        "pillar",
        "丙子 丁丑 戊寅 辛卯 壬辰 癸巳 丙午 丁未 戊申 辛酉 壬戌 癸亥",
        "관행 (陰差陽錯 of the twelve days)",
        DAY,
    ),
    rule(
        "sipak 십악대패 十惡大敗 ten evils",
        BAD,
        "pillar",
        "甲辰 乙巳 丙申 丁亥 戊戌 己丑 庚辰 辛巳 壬申 癸亥",
        "三命 論十惡大敗",
        DAY,
    ),
    rule(
        "hyosin 효신살 梟神殺 owl",
        BAD,
        "pillar",
        "甲子 乙亥 丙寅 丁卯 戊午 己巳 庚辰 庚戌 辛丑 辛未 壬申 癸酉",
        "관행 (resource in the day branch)",
        DAY,
    ),
    rule(
        "dohwa_year 도화살 桃花殺 peach blossom by the year branch",
        MIXED,
        "year_branch",
        _PEACH,
        "三命 論咸池; 淵海",
    ),
    rule(
        "dohwa_day 도화살 桃花殺 peach blossom by the day branch",
        MIXED,
        "day_branch",
        _PEACH,
        "三命 論咸池; 관행",
    ),
    rule(
        "yeokma_year 역마살 驛馬殺 travelling horse by the year branch",
        MIXED,
        "year_branch",
        _HORSE,
        "三命 論驛馬; 淵海",
    ),
    rule(
        "yeokma_day 역마살 驛馬殺 travelling horse by the day branch",
        MIXED,
        "day_branch",
        _HORSE,
        "三命 論驛馬; 관행",
    ),
    rule(
        "hwagae_year 화개살 華蓋殺 canopy by the year branch",
        MIXED,
        "year_branch",
        _CANOPY,
        "三命 論華蓋; 淵海",
    ),
    rule(
        "hwagae_day 화개살 華蓋殺 canopy by the day branch",
        MIXED,
        "day_branch",
        _CANOPY,
        "三命 論華蓋; 관행",
    ),
    rule(
        "wonjin 원진살 怨嗔殺 resentment",
        BAD,
        "day_branch",
        _RESENT,
        "三命 論元辰 in the Korean form of six pairs; 관행",
    ),
    rule("gwimun 귀문관살 鬼門關殺 ghost gate", MIXED, "day_branch", _GHOST, "관행"),
    rule("cheonra 천라 天羅 net of heaven", BAD, "day_branch", "戌亥 亥戌", "三命 論天羅地網; 淵海"),
    rule("jimang 지망 地網 net of earth", BAD, "day_branch", "辰巳 巳辰", "三命 論天羅地網; 淵海"),
    rule(
        "gosin 고신살 孤辰殺 lonely star",
        BAD,
        "year_branch",
        by_season("寅", "巳", "申", "亥"),
        "三命 論孤辰寡宿",
        sex="male",
    ),
    rule(
        "gwasuk 과숙살 寡宿殺 widow star",
        BAD,
        "year_branch",
        by_season("戌", "丑", "辰", "未"),
        "三命 論孤辰寡宿",
        sex="female",
    ),
    rule(
        "sangmun 상문살 喪門殺 mourning gate",
        BAD,
        "year_branch",
        "子寅 丑卯 寅辰 卯巳 辰午 巳未 午申 未酉 申戌 酉亥 戌子 亥丑",
        "관행 (歲神 of the almanac)",
    ),
    rule(
        "jogaek 조객살 弔客殺 condoler",
        BAD,
        "year_branch",
        "子戌 丑亥 寅子 卯丑 辰寅 巳卯 午辰 未巳 申午 酉未 戌申 亥酉",
        "관행 (歲神 of the almanac)",
    ),
    rule(
        "cheonui 천의성 天醫星 heavenly healer",
        GOOD,
        "month_branch",
        "子亥 丑子 寅丑 卯寅 辰卯 巳辰 午巳 未午 申未 酉申 戌酉 亥戌",
        "관행 (the branch before the month's)",
    ),
    rule(
        "geupgak 급각살 急脚殺 lame leg",
        BAD,
        "month_branch",
        by_season("丑辰", "亥子", "卯未", "寅戌"),
        "관행 (by the season of birth)",
    ),
    rule(
        "bokseong 복성귀인 福星貴人 fortune star",
        GOOD,
        "day_stem",
        "甲寅子 丙寅子 乙丑卯 癸丑卯 丁亥 戊申 己未 庚午 辛巳 壬辰",
        "三命 (福星貴, the verse 甲丙相邀入虎鄕)",
    ),
    rule("yuksu 육수 六秀 six elegances", GOOD, "pillar", "丙午 丁未 戊子 戊午 己丑 己未", "三命; 관행", DAY),
    rule("ildeok 일덕 日德 day virtue", GOOD, "pillar", "甲寅 丙辰 戊辰 庚辰 壬戌", "淵海 日德格", DAY),
    rule("geumsin 금신 金神 metal spirit", MIXED, "pillar", "乙丑 己巳 癸酉", "淵海 金神格", HOUR),
    rule(
        "cheonsa 천사일 天赦日 heavenly pardon",
        GOOD,
        "month_branch",
        by_season(":甲子", ":戊寅", ":甲午", ":戊申"),
        "三命; 淵海 天赦",
        DAY,
    ),
)
"""By bit; at most 44."""
