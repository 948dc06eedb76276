"""What is asked of fortune tellers and not judged here: said plainly, with what can be answered in its place."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.core.reading import ReadingLanguage
from hypercube.saju.conversation.asked import FactQuestion, FactTopic

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN


@dataclass(frozen=True, slots=True)
class Beyond:
    """One such thing.

    Attributes:
        key: by which a plan names it.
        asks: what a turn says that asks for it.
        said: what is answered.
        facts: what the chart has to offer on it.
    """

    key: str
    asks: re.Pattern[str]
    said: dict[ReadingLanguage, str]
    facts: tuple[FactQuestion, ...] = ()


def _beyond(key: str, asks: str, ko: str, en: str, *facts: FactQuestion) -> Beyond:
    return Beyond(key, re.compile(asks, re.IGNORECASE), {KO: ko, EN: en}, facts)


CRISIS: Final = "crisis"
"""Nothing else is answered beside it."""
GOOD_OR_BAD: Final = "good_or_bad"
WHY: Final = "why"
EACH: Final = "each"
"""The last three hang on what was said before, so `following` and `parts` find them."""
EVERY: Final = (
    _beyond(
        CRISIS,
        r"죽고 ?싶|죽어 ?버리|(?<![가-힣])자살(?!골)|살기(?:가|도|조차)? ?싫|살고 ?싶지(?:가|도|는|를)? ?않"
        r"|(?<!서 )(?<!집에 )(?<!곳에 )(?:그만|더는|더 ?이상) ?살고 ?싶(?!은 ?(?:집|곳|동네|도시|나라))"
        r"|사라지고 ?싶|(?<![가-힣])자해(?!공갈| ?공갈)|극단적(?:인)? ?선택|목숨을? ?(?:끊|버리)|생을 ?마감"
        r"|세상을 ?(?:떠나고 ?싶|떠나려|떠날까|등지고 ?싶|등지려|등질까)|삶을 ?(?:끝내|포기하고)"
        r"|(?:(?:^|[.?!,\n]|그냥|이제|정말|진짜|너무|차라리|[가-힣](?:서|고|니|데)) ?(?:다|모두|전부)"
        r"|모든 ?(?:걸|것을?)|인생을?) ?끝내(?:고 ?싶|버리|려)"
        r"|\bsuicid|\bkill(?:ing)? myself\b|\bwant(?:ed)? to die\b|\bwanna die\b|\bend(?:ing)? my (?:own )?life\b"
        r"|\btak(?:e|ing) my (?:own life\b|life\b(?! (?:to|in|into|back)\b))|\bself[- ]?harm|\bend(?:ing)? it all\b"
        r"|\b(?:don['’]?t|do not) want to (?:be alive\b|live\b"
        r"(?! (?:in|at|on|by|near|with|without|here|there|alone|together|abroad|like)\b))"
        r"|\bbetter off dead\b|\bno reason to live\b",
        "그만큼 힘드신 마음을 사주로 답할 수는 없습니다. 지금 혼자 견디지 마시고 가까운 사람이나 "
        "자살예방 상담전화 109(24시간)에 "
        "꼭 이야기해 주세요. 당장 위험하다면 119에 연락해 주세요.",
        "No chart can answer how hard this is. Please do not carry it alone: talk to somebody close, or to a crisis "
        "line where you are (109 in Korea, 988 in the United States); in danger, call the emergency number.",
    ),
    _beyond(
        "samjae",
        r"삼재|\bsam ?jae\b|\bthree (?:disasters|calamities)\b",
        "삼재는 띠만 보는 민간의 풀이라 여기서는 판단하지 않습니다. 대신 그해의 간지가 원국과 어떻게 "
        "만나는지는 '올해 운세'나 "
        "'2027년은?'처럼 물어보시면 답합니다.",
        "Samjae goes by the zodiac animal alone and is not judged here. How a year's pillar meets the chart can be "
        'answered: ask for "this year", or "how is 2027".',
    ),
    _beyond(
        "lucky",
        r"행운(?:의|을 ?주는)? ?(?:색|컬러|숫자|번호|방향|방위|아이템|물건|보석)|(?:맞는|좋은|"
        r"어울리는|피해야 ?(?:할|하는)|조심해야 ?(?:할|하는)) ?(?:색|컬러|숫자|방향(?!으로|이 ?맞)|방위)"
        r"|(?:동|서|남|북|남동|남서|북동|북서)쪽(?:으로|이|은|에)?[^.?!\n]{0,14}(?:좋(?:아|을|은가|나)|이사|"
        r"맞(?:아|을|나)|나을|길해)"
        r"|\blucky (?:colou?rs?|numbers?|directions?|charms?|stones?|days?)\b",
        "색이나 숫자, 방향, 물건으로 길흉을 정하지는 않습니다. 그런 풀이의 바탕이 되는 용신의 오행은 "
        "말씀드릴 수 있습니다.",
        "Colours, numbers, directions and charms are not judged here. The useful element on which such customs rest "
        "can be told.",
        FactQuestion(FactTopic.USEFUL),
    ),
    _beyond(
        "lottery",
        r"(?:로또|복권)[^.?!\n]{0,12}(?:번호|당첨|될|되|사도|맞|운|찍)|당첨(?:될|운| ?번호)|도박(?:운|해도|하면)"
        r"|\b(?:lottery|lotto|jackpot)\b|\bwinning numbers\b",
        "당첨이나 번호는 사주로 정하지 못하고, 어떤 결과도 약속하지 않습니다. 돈을 다루는 기질은 "
        "'재물운'으로 물어보시면 답합니다.",
        "Numbers and winnings are not judged here, and no outcome is promised. How the chart deals with money can be "
        'told: ask for "my luck with money".',
    ),
    _beyond(
        "choosing_days",
        r"택일|길일|손 ?없는 ?날|좋은 ?날(?!씨|들| ?(?:이 ?)?(?:올|오|있을|이야|이에|인가|일까))"
        r"|(?<![가-힣])날 ?(?:좀 ?)?(?:잡아|받아|골라|정해|뽑아)|날짜 "
        r"?(?:좀 ?)?(?:잡아|골라|정해|뽑아|추천)"
        r"|\b(?:good|best|auspicious|lucky) (?:day|date)s? (?:to|for)\b|\bpick (?:a|the) (?:day|date)\b",
        "좋은 날을 골라 정하는 택일은 하지 않습니다. 마음에 둔 날이 있으시면 '12월 5일은 어때?'처럼 "
        "물어보세요. 그날의 일진이 원국과 "
        "어떻게 만나는지 답합니다.",
        'Days are not chosen here. If you have one in mind, ask "how is December 5": how its pillar meets the chart '
        "can be told.",
    ),
    _beyond(
        "lifespan",
        r"(?:제|내|저의|나의) ?수명|수명(?:운|이|은)? ?(?:몇|얼마|어떻|어때|긴|길|짧|알|궁금)|단명|"
        r"장수 ?(?:할|하|사주)"
        r"|언제 ?죽(?!이|을? ?(?:쑤|먹))|몇 ?살(?:에|까지) ?(?:죽|살)|죽(?:을|는) ?(?:날|때|나이|운)"
        r"|(?<!집에서 )(?<!여기서 )(?<!곳에서 )오래 ?살(?! ?(?:집|곳|동네)|아(?:온|왔|도|서)|았)"
        r"|\bwhen (?:will|do) i die\b|\bhow long will i live\b|\bmy life ?span\b|\bmy life expectancy\b|\bmy death\b",
        "수명이나 죽음은 사주로 말하지 않습니다. 몸을 돌보는 습관은 '건강운'으로 물어보시면 답하고, "
        "걱정되는 일은 의사와 상의하세요.",
        "Length of life and death are not judged here. Habits that suit the chart can be told: ask about health; and "
        "for a worry, see a doctor.",
    ),
    _beyond(
        "names",
        r"작명|개명|이름 ?(?:좀 ?)?(?:지어|풀이|운|이? ?(?:좋|괜찮|나쁘)(?!은(?!가)|고))|성명학|\bname (?:reading|"
        r"numerology)\b|\bchange my name\b",
        "이름은 여기서 판단하지 않습니다. 원국에 많은 오행과 없는 오행, 용신은 말씀드릴 수 있습니다.",
        "Names are not judged here. Which elements the chart has and lacks, and its useful gods, can be told.",
    ),
    _beyond(
        "zodiac_match",
        r"띠(?:끼리)?의? ?궁합|(?:맞는|좋은|어울리는|상극인|안 ?맞는) ?띠|띠(?:랑|하고|와) ?(?:잘 ?)?(?:맞|어울|궁합)"
        r"|\b(?:compatible|good|match|fit) (?:w/|with) (?:an? )?(?:rat|ox|tiger|rabbit|dragon|snake|horse|goat|"
        r"sheep|monkey|"
        r"rooster|dog|pig)s?\b"
        r"|\bzodiac (?:match|compatib)",
        "띠만으로 맞고 안 맞음을 정하지는 않습니다. 상대방의 생년월일시와 성별을 알려 주시면 두 분의 "
        "원국으로 궁합을 답합니다.",
        "Zodiac animals alone are not judged here. With the other person's date and time of birth and sex, the two "
        "charts can be compared.",
    ),
    _beyond(
        "past_life",
        r"전생|환생|\bpast li(?:fe|ves)\b|\breincarnat",
        "전생은 사주로 말하지 않습니다. 타고난 기질은 '성격'으로 물어보시면 답합니다.",
        "Past lives are not judged here. The temperament that the chart shows can be told.",
    ),
    _beyond(
        "other_arts",
        r"(?:관상|손금|타로|토정비결|별자리|혈액형|자미두수)(?:로|를|을|도|은|는|점)? ?(?:좀 ?)?(?:봐|"
        r"보|운|점|볼|성격|궁합|풀)"
        r"|\btarot (?:reading|cards?)\b|\bread my (?:palm|cards|tarot)\b|\bpalm(?:istry| reading)\b|\bsun sign\b",
        "여기서는 사주만 봅니다. 다른 점술은 판단하지 않습니다.",
        "Only the four pillars are read here; other arts are not judged.",
    ),
    _beyond(
        "talismans",
        r"부적|굿을? ?(?:해|하)|액막이|\btalisman|\bamulet",
        "부적이나 굿은 권하지 않고 판단하지 않습니다. 원국에 맞는 생활 습관은 '조언'으로 물어보시면 답합니다.",
        "Talismans and rites are neither judged nor advised here. Habits that suit the chart can be "
        "told: ask for advice.",
    ),
    _beyond(
        "sex_of_child",
        r"(?:아들|딸)(?:일까|인가|이야)[^.?!]{0,6}(?:아들|딸)|태아 ?성별|아들을? ?낳|딸을? ?낳|\bboy "
        r"or (?:a )?girl\b",
        "아이의 성별은 사주로 말하지 않습니다. 아이를 대하는 결은 '자식운'으로 물어보시면 답합니다.",
        "The sex of a child is not judged here. What the chart shows of children can be told.",
    ),
    _beyond(
        "fortunate",
        r"(?<![가-힣])운(?:이|은|도)? ?(?:좀 ?|참 ?|원래 ?)?(?:좋은|나쁜|없는|있는|안 ?좋은) ?(?:편|건가|팔자|"
        r"사주|걸까)"
        r"|(?:팔자|사주)(?:가|는|이|도)? ?(?:좀 ?)?(?:좋은|나쁜|안 ?좋은|사나운) ?(?:편|가요|건가|거|지)"
        r"|(?<![가-힣])(?:좋은|나쁜) ?(?:사주|팔자)(?:인가|예|에|야|이야|일까|입니까|냐|\W*$)"
        r"|\bam i (?:a )?(?:lucky|unlucky|fortunate)\b(?! (?:to|that|enough))"
        r"|\b(?:good|bad) or (?:good|bad) (?:chart|saju|luck|fate)\b"
        r"|\bis my (?:chart|saju|fate|luck|ba ?zi) (?:any )?(?:good|bad)\b(?! (?:for|at|in|with|to)\b)|\bdo i "
        r"have (?:good|bad) luck\b",
        "사주가 좋다 나쁘다, 운이 있다 없다를 한마디로 매기지는 않습니다. 대신 원국에 도움이 되는 오행과 "
        "지금 지나는 대운은 말씀드릴 수 있습니다.",
        "A chart is not ranked as lucky or unlucky here. What helps it, and the luck pillar that runs now, can "
        "be told.",
        FactQuestion(FactTopic.USEFUL),
        FactQuestion(FactTopic.LUCK, "now"),
    ),
    _beyond(
        "zodiac_luck",
        r"(?:무슨|어떤|어느) ?띠(?:가|는|들이)?[^.?!\n]{0,8}(?:대박|좋|운|조심|나쁘|나빠|최고|풀리|돈)|띠별 ?(?:운|로)"
        r"|대박 ?(?:나는 ?)?띠|(?:운|재수) ?좋은 ?띠"
        r"|\b(?:which|what) (?:zodiac|animal)(?: sign)?s? (?:is|are|has|have|will)\b[^.?!\n]{0,16}"
        r"\b(?:luck|lucky|best|worst|good|year)|\bzodiac (?:horoscope|ranking)",
        "띠만 보고 어느 띠가 좋고 나쁘다고 정하지는 않습니다. 그해가 원국과 어떻게 만나는지는 '올해 운세'나 "
        "'2027년은?'처럼 물어보시면 답합니다.",
        "Zodiac animals are not ranked here. How a year's pillar meets the chart can be answered: "
        'ask for "this year", or "how is 2027".',
    ),
    _beyond(
        "outcome",
        r"^\W*(?:(?:그럼|그러면|과연|나|저|내가|제가|이번에|이번엔|잘|꼭) ?)*(?:붙을까|붙나|붙을 ?수 ?있|"
        r"합격할까|합격하나|"
        r"떨어질까|이길까|당첨될까)"
        r"|(?:시험|면접|대학|학교|공무원|자격증|공모|오디션|수능)[^.?!\n]{0,16}(?:붙을까|붙을 ?수|붙나|떨어질까|"
        r"합격할까|합격 ?가능)"
        r"|(?:사업|가게|장사|창업|회사|동업)[^.?!\n]{0,10}(?:망할까|망하(?:나|는지|려나|겠)|대박 ?(?:날|나)|"
        r"성공할까|성공하나)"
        r"|\bwill i (?:pass|fail|succeed|win)\b|\bwill my (?:business|shop|store|startup)[\w ]{0,12} (?:fail|"
        r"succeed|work)\b",
        "붙고 떨어지는 것, 되고 안 되는 것은 사주로 정하지 못하고 약속하지 않습니다. 마음에 둔 날의 흐름은 "
        "'12월 5일은 어때?'처럼 물어보시면 답합니다.",
        "Whether something succeeds is not decided by a chart, and nothing is promised. A day that you have in "
        "mind can "
        'be asked about: "how is December 5".',
    ),
    _beyond(
        "moving",
        r"이사(?:를|는)? ?(?:가도|해도|할까|갈까|가야|해야|가면 ?(?:좋|안|돼|될)|하면 ?(?:좋|안|돼|될))"
        r"|\bshould i move(?! on\b| to (?:the )?next| my )",
        "이사를 할지 말지, 어디로 갈지는 사주로 정하지 않습니다. 마음에 둔 해나 날의 흐름은 '2027년은?'이나 "
        "'12월 5일은 어때?'처럼 물어보시면 답합니다.",
        "Whether or where to move is not decided by a chart. A year or a day that you have in mind can be asked about: "
        '"how is 2027", "how is December 5".',
        FactQuestion(FactTopic.SINSAL, "역마살"),
    ),
    _beyond(
        "number_of_children",
        r"(?:애|아이|자식|자녀|아기)(?:는|은|가|이|를|을|도)? ?(?:몇 ?명|몇이나|몇을|몇 ?낳|얼마나)[^.?!\n]{0,6}"
        r"(?:낳|둘까|두나|둘 ?수|가질|갖|생길|있을)"
        r"|\bhow many (?:kids|children|babies) (?:will|do|am|can) i\b",
        "아이를 몇이나 둘지는 사주로 말하지 않습니다. 전통에서 자녀로 읽는 글자와 자리는 말씀드릴 수 있습니다.",
        "How many children there will be is not judged here. What tradition reads as children in the chart can "
        "be told.",
        FactQuestion(FactTopic.CHILDREN),
    ),
    _beyond(
        "fidelity",
        r"바람(?:을|도|이)? ?(?:피울|필|펴|피는|피우는|피|날|나)[^.?!\n]{0,6}(?:팔자|사주|운|까(?=[요?\s]|$)|"
        r"기질|상인|끼)"
        r"|외도 ?(?:수|운|할)|\bwill (?:he|she|i|my \w+) (?:cheat|be unfaithful)\b",
        "누가 한눈을 팔지는 사주로 말하지 않습니다. 사람을 사귀는 결은 '연애운'으로, 두 사람의 어울림은 '궁합'으로 "
        "물어보시면 답합니다.",
        "Whether somebody will be unfaithful is not judged here. How the chart deals with closeness can be told: "
        'ask for "my love life", or for the compatibility of two people.',
    ),
    _beyond(
        "divorce",
        r"이혼 ?(?:수|운|살)(?:가|이|도)?(?= ?(?:있|없|들|보|어|은|는|\W|$))|이혼 ?(?:할까|하게 ?될|하나요|하겠|"
        r"할 ?팔자|당할)"
        r"|\b(?:will i|am i going to|do i) (?:get )?(?:a )?divorced?\b",
        "이혼할지 아닐지는 사주로 말하지 않으며, 정해진 일도 아닙니다. 배우자의 자리로 읽는 글자는 말씀드릴 수 "
        "있습니다.",
        "Whether there will be a divorce is not judged here, and nothing is settled. What tradition reads as the "
        "place of the partner can be told.",
        FactQuestion(FactTopic.PILLARS, "day"),
    ),
    _beyond(
        "heart",
        r"(?<![가-힣])(?:나|저|날|절)(?:를|을)? ?(?:정말 ?|진짜 ?|아직도? ?)?(?:좋아할까|좋아하나|좋아하는(?:지|"
        r"걸까|거)|사랑할까|"
        r"사랑하나|생각할까|생각하나|그리워할까|보고 ?싶어 ?할까)"
        r"|(?:그 ?사람|걔|그 ?남자|그 ?여자|남친|여친|썸남|썸녀|짝남|짝녀|남편|아내)(?:의|은|는)? ?(?:속 ?마음|"
        r"마음(?:이|은)? ?(?:어떨|어때|뭘|"
        r"있을|변))"
        r"|\b(?:will|does|would|could) (?:he|she|they|my \w+) (?:really |still |ever )?(?:like|love|miss|want) me\b",
        "다른 사람의 마음은 사주로 말하지 않습니다. 그분의 생년월일시와 성별을 알려 주시면 두 원국이 어울리는 모습을 "
        "궁합으로 답합니다.",
        "What somebody feels is not judged here. With that person's date and time of birth and sex, how the two charts "
        "go together can be told.",
    ),
    _beyond(
        "whom_to_avoid",
        r"(?:어떤|무슨|어느) ?(?:사람|남자|여자)[을를]? ?(?:피해야|조심해야|멀리해야)"
        r"|\b(?:kind|type|sort) of (?:guy|man|men|woman|women|girl|person|people)s?\b[^.?!\n]{0,10}\b(?:avoid|"
        r"stay away)",
        "어떤 사람을 피하라고 정하지는 않습니다. 사람을 사귀는 결은 '연애운'으로, 한 사람과의 어울림은 그분의 "
        "생년월일시를 알려 주시면 궁합으로 답합니다.",
        "Nobody is to be avoided because of a chart. How you deal with closeness can be told: ask for my "
        "relationships; "
        "and with somebody's birth, the two charts can be compared.",
    ),
    _beyond(
        GOOD_OR_BAD,
        r"(?!)",
        "그것만으로 좋다 나쁘다를 정하지는 않습니다. 원국의 다른 글자와 함께 쓰임을 봅니다.",
        "By itself it is neither good nor bad: what it does depends on the rest of the chart.",
    ),
    _beyond(
        WHY,
        r"(?!)",
        "풀이는 다음 사실에서 나온 것이며, 좋고 나쁨이 정해졌다는 뜻은 아닙니다.",
        "The reading rests on the following, and does not mean that anything is settled.",
    ),
    _beyond(
        EACH,
        r"(?!)",
        "두 분의 원국에 있는 것을 나란히 적습니다. 누가 낫다고 견주지는 않습니다.",
        "What the two charts have stands side by side; neither is ranked above the other.",
    ),
)
BY_KEY: Final = {each.key: each for each in EVERY}


def beyond(text: str) -> tuple[str, ...]:
    """What a turn asks for that is not judged here; a crisis alone, where there is one."""
    found = tuple(each.key for each in EVERY if each.asks.search(text))
    return (CRISIS,) if CRISIS in found else found
