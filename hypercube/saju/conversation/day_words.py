"""What is said of a day by the ten god of its stem, and by how it meets the day of birth."""

from typing import Final

from hypercube.core.reading import ReadingLanguage

TONE_KO: Final = {
    "peer": "내 걸음으로 가기 좋으니, 미뤄 둔 내 일을 먼저 챙겨 보세요",
    "rival": "사람과 돈이 함께 움직이기 쉬우니, 약속과 지출을 한 번 더 헤아려 보세요",
    "eating_god": "먹고 쉬고 만드는 일이 편안하니, 즐거운 일 하나를 넣어 보세요",
    "hurting_officer": "말과 생각이 앞서기 쉬우니, 재치는 살리고 표현은 한 박자 늦춰 보세요",
    "indirect_wealth": "밖에서 움직일 일이 생기기 쉬우니, 만남과 이동을 넉넉히 잡아 보세요",
    "direct_wealth": "차근차근 정리하기 좋으니, 살림과 할 일을 하나씩 매듭지어 보세요",
    "indirect_officer": "할 일이 몰리기 쉬우니, 순서를 정하고 쉬는 시간을 먼저 떼어 두세요",
    "direct_officer": "규칙과 약속이 힘이 되니, 맡은 일을 제때 마치는 데 마음을 두세요",
    "indirect_resource": "생각이 깊어지기 쉬우니, 혼자 정리하는 시간을 조금 남겨 두세요",
    "direct_resource": "배우고 도움받기 좋으니, 물어보고 읽는 시간을 내어 보세요",
}
TONE_EN: Final = {
    "peer": "suits your own pace: take up what you have put off for yourself",
    "rival": "moves people and money together: look twice at promises and spending",
    "eating_god": "is easy for eating, resting and making: put in one thing that you enjoy",
    "hurting_officer": "lets words run ahead: keep the wit, and speak a beat later",
    "indirect_wealth": "tends to take you out: leave room for meetings and getting about",
    "direct_wealth": "is good for putting in order: finish small things one by one",
    "indirect_officer": "may pile up tasks: set an order, and set rest aside first",
    "direct_officer": "gives rules and promises weight: finish your own tasks on time",
    "indirect_resource": "turns thoughts inward: leave a little time alone",
    "direct_resource": "is good for learning and help: ask, and read",
}
MET_KO: Final = {
    "six_combination": "태어난 날의 지지와 이날의 지지가 짝을 이루어, 가까운 사람과 뜻을 맞추기 좋습니다.",
    "half_triad": "태어난 날의 지지와 이날의 지지가 한뜻으로 모여, 함께 하는 일에 힘이 붙습니다.",
    "half_direction": "태어난 날의 지지와 이날의 지지가 같은 철의 이웃이라, 익숙한 사람들과 편안합니다.",
    "arched_triad": "태어난 날의 지지와 이날의 지지가 빈자리를 사이에 두고 마주하니, 서두르지 않으면 채워집니다.",
    "stem_combination": "태어난 날의 천간과 이날의 천간이 짝을 이루어, 마음이 통하는 대화가 어울립니다.",
    "clash": "태어난 날의 지지와 이날의 지지가 마주 보고 부딪치니, 일정에 여백을 두면 한결 편안합니다.",
    "stem_clash": "태어난 날의 천간과 이날의 천간이 부딪치니, 생각이 갈릴 때는 하루 묵혀 두셔도 좋습니다.",
    "self_punishment": "태어난 날의 지지가 이날 한 번 더 놓이니, 같은 생각을 되풀이할 때는 잠시 걸어 보세요.",
    "mutual_punishment": "태어난 날의 지지와 이날의 지지가 서로 팽팽하니, 말씨를 부드럽게 하면 풀립니다.",
    "punishment": "태어난 날의 지지와 이날의 지지가 서로 다듬는 사이라, 고칠 것을 고치기 좋습니다.",
    "break": "태어난 날의 지지와 이날의 지지가 조금 어긋나니, 계획을 한 번 더 확인해 보세요.",
    "harm": "태어난 날의 지지와 이날의 지지가 서먹하니, 서운한 것은 짧게 말로 풀어 보세요.",
    "resentment": "태어난 날의 지지와 이날의 지지가 서먹하니, 조금 거리를 두면 편안합니다.",
    "ghost_gate": "태어난 날의 지지와 이날의 지지가 만나 예민해지기 쉬우니, 조용한 시간을 가져 보세요.",
    "none": "태어난 날의 기둥과 이날의 기둥 사이에는 두드러진 합이나 충이 없어, 평소의 흐름대로 지내시면 됩니다.",
}
MET_EN: Final = {
    "six_combination": "Its branch pairs with that of your day of birth: a good day to agree with those close to "
    "you.",
    "half_triad": "Its branch gathers with that of your day of birth: what is done together goes well.",
    "half_direction": "Its branch is of the same season as that of your day of birth: familiar people are restful.",
    "arched_triad": "Its branch and that of your day of birth leave a gap between them: do not hurry, and it fills.",
    "stem_combination": "Its stem pairs with that of your day of birth: a talk from heart to heart suits it.",
    "clash": "Its branch faces that of your day of birth: leave some room in the plan, and it is easier.",
    "stem_clash": "Its stem collides with that of your day of birth: where thoughts part ways, sleep on them.",
    "self_punishment": "Your branch of the day of birth comes once more: when thoughts go round, take a walk.",
    "mutual_punishment": "Its branch and that of your day of birth are tense: a soft word loosens it.",
    "punishment": "Its branch and that of your day of birth shape each other: a day to mend what needs mending.",
    "break": "Its branch is a little out of step with that of your day of birth: check the plan once more.",
    "harm": "Its branch is cool to that of your day of birth: say briefly what hurts.",
    "resentment": "Its branch is cool to that of your day of birth: a little distance is restful.",
    "ghost_gate": "Its branch and that of your day of birth make one sensitive: take a quiet hour.",
    "none": "No bond or conflict stands out between it and your day of birth: go on as you are used to.",
}
NO_VERDICT: Final = {
    ReadingLanguage.KO: "하루의 결을 읽은 것이니, 무슨 일이 일어난다는 뜻은 아닙니다.",
    ReadingLanguage.EN: "This is how the day is inclined; it says nothing of what will happen.",
}
