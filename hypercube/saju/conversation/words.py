"""By which words a turn asks for what, in Korean and English.

A *strong* word asks by itself (재물운, 적성, my personality). A *weak* one belongs to everyday language (돈, 회사,
health), so it asks for a chart only beside a word that makes it a question about a fate: 언제, 까요, 제 사주, will I.
"""

import re
from typing import Final

from hypercube.core.reading import ReadingSection
from hypercube.saju.conversation.asked import FactTopic

S = ReadingSection
T = FactTopic


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


LUCK_KO: Final = (
    r"(?:운세|운수(?=[는가를 ?]|$)|(?<![가-힣])운(?=[이은을도의 ?]|$)|오늘의? ?운(?=[이은을도의 ?]|$)"
    r"|(?:재물|금전|돈|애정|연애|결혼|"
    r"이성|배우자|사랑|만남|재회|자식|자녀|임신|직장|직업|사업|창업|취업|취직|이직|승진|시험|합격|학업|공부|"
    r"문서|계약|매매|부동산|주식|투자|횡재|"
    r"이사|이동|여행|건강|대인|인간관계|부모|명예|구설|초년|중년|말년|노년|평생|신년|총|행|재|관)\s?운(?![동전영]))"
)
"""운 as luck, and not as an end of 추운, 배운, 새로운."""
BORN: Final = _any(r"생일|생년월일|태어났|태어난", r"\bborn\b|\bbirth(?:day|date)?\b")
"""Beside it a day or a year is somebody's birth, and not asked about."""
STRONG: Final = {
    S.TEMPER: _any(
        r"(?:좋은|나쁜|강한|약한|뛰어난|부족한) ?점(?![수심])|성격|습성|고집|기질|성향|성품|인성이 "
        r"어떤|타고난|어떤 사람(?!들)|장단점|장점|단점",
        r"\bpersonality\b|\btemperament\b|\bmy (?:character|nature|strengths|weaknesses)\b|"
        r"kind of person am i|\bam i (?:a )?(?:stubborn|shy|kind|patient|brave|lazy|by nature)|\bby nature\b",
    ),
    S.WORK: _any(
        r"직업(?! ?상담)|직장\s?운|사업\s?운|취업\s?운|시험\s?운|합격\s?운|승진\s?운|관운|적성|천직|진로",
        r"\bmy (?:career|vocation|talents?)\b|\b(?:career|job|profession|work) (?:suits?|fits?|luck)\b|"
        r"\bfor a living\b|\bgood at\b",
    ),
    S.WEALTH: _any(
        r"재물|재운|금전|돈복|돈 ?운|재복|부자 ?(?:될|가 될|사주)|횡재",
        r"\b(?:money|wealth|financial) luck\b|\bluck with money\b|\bbe rich\b|\bmy (?:wealth|finances)\b",
    ),
    S.RELATIONSHIPS: _any(
        r"연애\s?운|애정\s?운|결혼\s?운|이성\s?운|배우자\s?(?:운|복)|인복|남편\s?복|아내\s?복|"
        r"처복|인연|부부\s?운|(?:남자|여자|이성)\s?복",
        r"\b(?:love|marriage|relationship) (?:luck|life|prospects)\b|\bmy (?:marriage|relationships)\b",
    ),
    S.HEALTH: _any(
        r"건강\s?운|체질|아픈 데|약한 (?:곳|장기|부위)|수명", r"\bmy (?:health|well-being|constitution)\b"
    ),
    S.LUCK: _any(
        r"대운 ?(?:의 )?흐름|인생 ?(?:전체|의 흐름|흐름)|(?:제|내) 인생|말년|초년|중년|노년|"
        r"(?<!\d)(?<!\d )일생|평생|십 ?년 ?운",
        r"luck pillars (?:over|through|across)|explain my luck pillars|\bmy (?:whole )?life\b|\blater years\b",
    ),
    S.NOW: _any(
        r"(?:올해|금년|이번 ?달|이달|요즘|오늘|올 한 해)(?:의|은|는)? ?(?:의 )?(?:운(?!동|전|영|명)|총운|"
        r"신수|은|는|어때|어떤|어떨)",
        r"\bthis (?:year|month)\b|\bmy fortune (?:now|today)\b|\bthese days\b",
    ),
    S.ADVICE: _any(
        r"조언|습관을|조심|주의할|개운|어떻게 살|무엇을 해야|뭘 해야|도움이 되는|충고|당부",
        r"\badvice\b|\badvise\b|\bcareful about\b|\bshould i (?:avoid|watch|focus)\b",
    ),
}
WEAK: Final = {
    S.WORK: _any(
        r"직업|직장|회사|이직|취업|취직|승진|사업|창업|시험|합격|공부|전공|퇴사|동업(?!자)|(?<![가-힣\d])(?<!\d "
        r")일(?:을|은|이(?! ?(?:생|일어|있|벌어|터|닥)))? ",
        r"\b(?:job|jobs|career|work|promotion|business|exam|study|studies)\b",
    ),
    S.WEALTH: _any(
        r"(?<![가-힣])돈|투자|주식|부동산|집을 사|수입|빚|부자",
        r"\b(?:money|rich|invest(?:ment)?s?|income)\b",
    ),
    S.RELATIONSHIPS: _any(
        r"결혼|연애|사랑|남자친구|여자친구|남친|여친|배우자|이혼|재혼|솔로|짝|이성|친구|자식|자녀|"
        r"아기|아이[는가를 ]|임신|좋은 사람|누군가를",
        r"\b(?:married|marry|marriage|love|boyfriend|girlfriend|partner|spouse|husband|wife|dating|children)\b",
    ),
    S.HEALTH: _any(r"건강|스트레스|몸이|아프|병(?:이|에)|다이어트", r"\b(?:health|healthy|ill|sick)\b"),
    S.LUCK: _any(
        r"인생|팔자|좋은 (?:일|날)(?=이|도|은|만)|언제 ?(?:풀|피|좋아)|앞으로|미래|때가 (?:오|올)",
        r"\b(?:future|life)\b",
    ),
    S.NOW: _any(r"올해|금년|이번 ?달|요즘|지금 (?:시기|때)", r"\bnow\b|\bthis (?:week|season)\b"),
}
FATE: Final = _any(
    r"언제|까요|까\?|까$|야 (?:해|하)|편이야|편인가|[ㄹ을될할]까|어떤가|어떤지|어때|어떻게 (?:될|되)|"
    r"괜찮|걱정|고민|맞을|맞아|"
    r"맞는|좋을|나을|있나|있을|운(?:이|은|을|도|세|에)"
    r"|사주|팔자|복이|봐 ?[줘주]|볼 ?수|궁금|점괘|풀이|풀리",
    r"\b(?:when|will|should|shall|can|could|am) i\b|\bmy (?:chart|saju|fate|future|"
    r"pillars)\b|\bfor me\b|\bsuits? me\b"
    r"|\bam i\b|\bhow is my\b|\bdo i\b|\baccording to (?:the|my) chart\b|\bluck\b|\babout my\b",
)
BARE: Final = _any(
    r"^\s*(?:(?:그럼|그러면|제|내) )?[가-힣]{1,6}(?:은|는|운)(?:요)?\s*[?？]?\s*$",
    r"^\s*(?:(?:and|my) )*[a-z]{4,10}\s*\?\s*$",
)
"""A turn that is a topic and nothing else, which asks for it as a follow-up does: 건강은?, 이직운, children?"""
OF_THE_FIELD: Final = _any(
    rf"사주|팔자|명리|대운|세운|일간|일주|용신|궁합|오행|{LUCK_KO}",
    r"\bsaju\b|\bfour pillars\b|\bba ?zi\b|\bmy chart\b|\bday master\b|\bluck pillar",
)
ORDINARY: Final = _any(
    r"날씨|레시피|요리|번역|요약|코드|파이썬|자바|스크립트|함수|알고리즘|정렬|영화|드라마|"
    r"소설|노래|가사|축사|편지|이메일|메일"
    r"|양식|서식|책 ?추천|맛집|여행지|뉴스|계산하|예약|환율|(?<![연년월일시])주가|수도는|밀리리터|킬로|"
    r"미터|문장을|작성해|써 ?줘|써 ?주|시를 ?(?:써|지)|보험|세금"
    r"|점심|저녁|아침 (?:뭐|메뉴)|메뉴|농담|퀴즈|게임|축구|야구|선수|대통령|역사|위키|"
    r"사직서|이력서|자기소개서|예시 ?코드|사용법|설치"
    r"|너는 누구|넌 누구|누구세요|뭐 ?먹|프롬프트",
    r"\b(?:weather|recipe|cook|translate|summari[sz]e|code|python|javascript|java|sql|"
    r"function|algorithm|sort|movie|film"
    r"|novel|song|lyrics|poem|haiku|essay|letter|e-?mail|news|book|capital of|convert|"
    r"install|joke|quiz|game|football"
    r"|president|history|resume|cv|prompt)\b|\bwho are you\b|\bwrite (?:a|an|me|the)\b",
)
WHOLE: Final = _any(
    r"(?:사주|운세|팔자|명식|원국|차트)[^.?!\n]{0,6}(?:봐|보고|풀이|풀어|해석|분석|알려|"
    r"읽어)|전체적으로|전반적으로|총평|총운|풀이해|감명"
    r"|사주 ?(?:좀|부탁)|(?:전부|모두|모조리|(?<![가-힣])다) ?(?:다 ?)?(?:알려|말해|봐|풀어)",
    r"\bread(?:ing)? (?:of )?(?:my|the) (?:chart|saju|pillars|fate|fortune)\b|\b(?:saju|"
    r"full|chart|whole|general) reading\b"
    r"|\bmy (?:saju|fortune|bazi)\b|\btell my fortune\b|\binterpret (?:my|the) chart\b|"
    r"\bwhat does my (?:chart|saju) say\b"
    r"|\bread my (?:four pillars|chart)\b|\b(?:tell me|show me|read) everything\b|\beverything about me\b",
)
TOGETHER: Final = _any(
    r"궁합|(?:저희|우리) ?(?:둘|관계|사이)(?=[이은는도의가 ?]|$)|(?:저희|우리)(?: ?둘)?(?:이|은|가)? "
    r"?(?:잘 ?)?(?:맞|어울)|둘이 (?:잘 )?(?:맞|"
    r"어울)|[가-힣](?:이?랑|하고|과|와) ?(?:나|저|내가|제가)(?:는|은|랑|이랑|하고)? ?(?:안 ?맞|잘 ?맞|맞(?=아|"
    r"나|을|는지)|사이(?=는|가|\W))"
    r"|(?<![가-힣])(?:나|저)(?:랑|하고|와) ?[가-힣]{1,6}(?:이?랑|하고|와|과|은|는)? ?(?:안 ?맞|잘 ?맞|사이(?=는|가|\W))"
    r"|(?:그 ?사람|그이|상대)(?:이랑|하고|과|와)[^.?!]{0,8}(?:맞|어울)",
    r"\bcompatib|\b(?:two|both) of us\b|\bour (?:relationship|future together)\b|\bare we (?:a "
    r")?(?:good )?(?:match|fit)\b|\bhow (?:well )?do we (?:fit|match)\b|\bget along\b",
)
WHO_MORE: Final = _any(
    r"누가 ?더|둘 ?중(?:에)? ?누|두 ?사람 ?중(?:에)? ?누",
    r"\b(?:which|who) (?:one )?of us\b|\bwho(?:'s| is| has) (?:the )?(?:more|strong|weak)",
)
"""Of two people that are known, what each has is told."""
SHORT: Final = _any(
    r"짧게|간단히|간략|한 ?줄|요점만|한마디", r"\bbrief|\bshort(?:ly)?\b|\bin a (?:word|nutshell)\b"
)
LONG: Final = _any(r"자세히|자세하|상세|길게|깊이|구체적", r"\bdetail|\bin depth\b|\bat length\b|\blong\b")
BEGINNER: Final = _any(
    r"쉽게|초보|처음이라|용어를? (?:설명|몰)|몰라서",
    r"\bbeginner|\bsimple (?:words|terms)\b|\bexplain simply\b",
)
ABROAD: Final = _any(r"해외|외국|유학|이민", r"\babroad\b|\boverseas\b|\bemigrat|\banother country\b")
"""Asked beside a word of fate, it is for the travelling horse (역마살) and work."""
AROUND_NOW: Final = _any(r"올해|금년|이번 ?달|이달|요즘", r"\bthis (?:year|month)\b|\bthese days\b")
FORTUNE: Final = _any(r"운(?!동|전|영|명)|하루|어때|어떨|어떤", r"\bfortune|\bhoroscope|\bluck")
BIRTH_TOLD: Final = _any(
    r"(?:생일|생년월일|생시|생년|태어난 ?(?:날|시|곳|때|년)|출생)[^.?!\n]{0,16}?(?:언제|몇|뭐|뭘|뭔|"
    r"무엇|어떻게|어디|무슨|며칠)"
    r"[^.?!\n]{0,14}?(?:했|알고|말|이해|들|적|입력|봤|보셨|보고|썼|쓰|기억|계산|설정|넣|나와|돼|되어)",
    r"(?<!음력 )(?<![가-힣])생일[이은]? ?언제|(?:제가|내가)[^.?!\n]{0,14}(?:라고|다고) ?(?:했|한|말)",
    r"(?<!음력 )(?:내|제|나의|저의) ?(?:생일|생년월일)[이은]? ?(?:언제|뭐|몇|기억|알)|(?:내가|제가|나|"
    r"저)[^.?!\n]{0,4}언제 ?태어",
    r"(?:생일|생년월일|출생 ?정보|태어난 ?(?:날|시)|입력한? ?(?:정보|내용)|내 ?정보|제 "
    r"?정보)[^.?!\n]{0,8}(?:확인|기억|다시 ?(?:말|알)|맞게 ?(?:입력|들어|이해))",
    r"(?:무슨|어떤|어느|몇 ?월) ?(?:생일|생년월일|날짜|며칠)[^.?!\n]{0,6}(?:로|으로|을|를) ?(?:봤|"
    r"보셨|보신|봐|계산|썼|쓴|이해|알)",
    r"\b(?:what|which)\b[^.?!\n]{0,12}\b(?:birth ?(?:da(?:te|y)|time|place|data|details|"
    r"info(?:rmation)?)|(?:date|time|place) of birth)\b"
    r"[^.?!\n]{0,14}\b(?:you|used|on file)\b",
    r"\bwhen (?:was i|am i|did i say i was) born\b|\b(?:remember|repeat|recall|confirm|show|"
    r"check)\b[^.?!\n]{0,8}\bmy birth",
    r"\bwhat(?:'?s| is| was) my birth ?(?:day|date|time)\b|\bwhat (?:did|do) you (?:understand|know) about me\b",
)
_PLACE: Final = r"(?:연|년|월|일|시)"
FACTS: Final = {
    T.PILLARS: _any(
        rf"사주 ?원국|원국|명식|여덟 ?글자|8 ?글자|사주 ?팔자가|네 ?기둥|만세력|"
        r"(?:사주(?: ?팔자)?|(?<![가-힣])팔자)(?:가|는|를|란|이)? ?(?:좀 ?)?(?:뭐|뭔|무엇|알려|갈켜|"
        r"가르쳐|보여|불러|적어)|"
        rf"(?<![가-힣]){_PLACE}(?:주|지)(?![가-힣]{{2}}|할|식|민)(?=$|[ ?.,!가-힣])",
        r"\bfour pillars\b|\beight characters\b|\b(?:year|month|day|hour) (?:pillar|branch)\b|"
        r"\bmy pillars\b|\bwhat(?:'?s| is| are) my (?:saju|ba ?zi)(?: chart)?\W*$|\bshow (?:me )?my "
        r"(?:saju|ba ?zi|chart)\b",
    ),
    T.DAY_STEM: _any(r"일간", r"\bday (?:master|stem)\b"),
    T.ELEMENTS: _any(r"오행", r"\b(?:five )?elements?\b"),
    T.POLARITY: _any(r"음양(?!력)", r"\byin\b|\byang\b"),
    T.STRENGTH: _any(
        r"신강|신약|신왕|(?:사주|팔자)(?:가|는|도)? ?(?:좀 ?)?(?:센|쎈|세(?=[고지?요 ]|$)|드센)|"
        r"(?<![가-힣])기가? ?(?:센|세(?=[고지?요 ]|$)|쎈|쎄|약(?=하|한|해)|더 ?[세쎄])|"
        r"더 ?기가? ?세|중화 ?사주|사주[가는은]? (?:강|약)한|강약|일간이? (?:강|약)",
        r"\b(?:strong|weak) (?:chart|day master)\b|\b(?:day master|chart|"
        r"day stem) (?:is )?(?:strong|weak)\b|\bstrength of\b",
    ),
    T.STRUCTURE: _any(r"격국|무슨 ?격|[정편]?[관재인]격|[식상]격|건록격|양인격", r"\bstructure\b"),
    T.USEFUL: _any(
        r"용신|희신|기신|억부|조후|(?:필요한|좋은|맞는|행운의) ?(?:오행|기운)",
        r"\b(?:useful|yong) ?(?:god|element|shin|sin)s?\b|\byongsh?in\b|\b(?:favou?rable|lucky|good|"
        r"helpful|best) element",
    ),
    T.GODS: _any(r"십성|십신|육친|통변", r"\bten gods?\b"),
    T.HIDDEN: _any(r"지장간", r"\bhidden stems?\b"),
    T.STAGES: _any(r"12 ?운성|십이 ?운성|운성|포태법", r"\b(?:twelve |life )stages?\b"),
    T.TWELVE: _any(r"12 ?신살|십이 ?신살", r"\btwelve sinsal\b"),
    T.SINSAL: _any(
        r"(?<!12)(?<!12 )(?<!십이)(?<!십이 )신살|귀인|살이 (?:있|껴|끼)|무슨 ?살|액살",
        r"(?<!twelve )\bsinsal\b|\bstars? do i have\b",
    ),
    T.RELATIONS: _any(
        r"합충|형충|합(?:이나|과|이|은) ?(?:충|형|있|뭐)|충(?:이나|과|이) ?(?:합|형|있|뭐)|형살|합이 ?있",
        r"\b(?:combinations?|clash(?:es)?|punishments?) (?:and|or|in|are|do)\b|"
        r"\brelations? (?:in|between|among) (?:my|the)\b",
    ),
    T.VOID: _any(r"공망", r"\bvoid\b"),
    T.NAYIN: _any(r"납음", r"\bnayin\b|\bna yin\b"),
    T.LUCK: _any(r"대운(?!의? ?흐름)", r"\bluck pillars?\b"),
    T.PERIODS: _any(
        r"세운|월운|일진|오늘의? ?운(?!동|전|영|명)|(?:올해|이번 ?달|오늘)(?:의|은|는)? ?(?:간지|무슨 (?:해|달|날))",
        r"\b(?:this year|today|this month)'?s? pillar\b|\bpillar (?:of|for) (?:this (?:year|month)|today)\b",
    ),
    T.ZODIAC: _any(
        r"(?:무슨|어떤|내|제|저는|나는) ?띠|(?<![가-힣])띠(?:가|는|를|예요|야|이|$|[ ?])|"
        r"[쥐소범용뱀말양닭개]띠|(?:호랑이|토끼|원숭이|돼지)띠",
        r"\bzodiac\b|\bwhat animal am i\b|\bmy (?:birth )?animal(?: sign)?\b(?=\W*$)|\bwhat(?:'?s| is) my animal\b",
    ),
    T.LUNAR: _any(
        r"음력 ?(?:생일|생년|날짜|으로 (?:언제|며칠|몇))|음력으로(?:는|) ?(?:언제|며칠)",
        r"\blunar (?:birthday|date|birth)\b",
    ),
    T.CHILDREN: _any(
        r"(?:자식|자녀|(?<![가-힣])(?:아이|애))\s?(?:운|복)(?=[은이도을 ?있없]|$)|자식 ?(?:자리|별)|자녀 ?(?:자리|별)",
        r"\b(?:kids|children|a (?:kid|child|baby)) in my (?:chart|saju|pillars)\b|\b(?:children|child) (?:luck|"
        r"star)s?\b",
    ),
    T.AGE: _any(
        r"(?:제|내) 나이|몇 ?살(?! ?(?:에|때|쯤|즈음|무렵|부터|까지|이후|이 ?되|되면|차이))|만 ?나이",
        r"\bhow old am i\b|\bmy age\b",
    ),
    T.CLOCK: _any(
        r"진태양시|평균태양시|서머타임|썸머타임|경도 ?(?:보정|차)|시간 ?보정|보정|균시차|절기|절입",
        r"\bsolar time\b|\bsummer time\b|\bdaylight saving\b|\bcorrect(?:ed|ion|ions)\b|"
        r"\bsolar term\b|\bseason\b|\blongitude\b",
    ),
}
