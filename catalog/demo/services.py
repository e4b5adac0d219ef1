"""The six consulting services. Their questions stand in ``questions``."""

from datetime import date

from . import questions as ask
from .shapes import Away, Service, Shelf

# One of the two consultants reads birth charts; the other writes everything else.
AWAY = (Away(date(2027, 2, 15), date(2027, 2, 26), ("撰寫顧問休假", "The consultant is on leave")),)

SHELF = Shelf(
    slug="consult",
    name=("諮詢服務", "Consulting services"),
    intro=(
        "顧問按您的資料撰寫諮詢報告,完成後以訂單密鑰開啟。",
        "A consultant writes the report from your details; you open it with your order key.",
    ),
    items=(
        Service(
            code="SV1",
            slug="home-layout-report",
            name=("家居佈局諮詢報告", "Home layout report"),
            text=(
                "按平面圖及座向,逐室列出現況、建議與緩急次序。",
                "Room by room: findings, suggestions and priority, from plan and orientation.",
            ),
            picture=("平面圖與方位", "A floor plan with its orientation"),
            price="2880.00",
            working_days=10,
            unit=("戶", "home"),
            max_subjects=3,
            capacity_per_week=6,
            included=(
                "全屋座向與格局概述,附標示平面圖\n"
                "逐室現況:睡房、廳、廚、浴及工作位置\n"
                "逐室建議:擺設、收納、採光與動線\n"
                "緩急次序:先做甚麼,甚麼可以不做\n"
                "不涉及間隔改動的替代做法\n"
                "顧問以書面解答一輪跟進提問",
                "An overview of orientation and layout, with a marked-up plan\n"
                "Findings for each room: bedrooms, living room, kitchen, bathrooms, work places\n"
                "Suggestions for each room: placement, storage, light and paths\n"
                "An order of priority: what to do first, and what can be left\n"
                "Alternatives that do not move any wall\n"
                "One round of follow-up questions, answered in writing",
            ),
            outline=(
                "座向與格局概述\n逐室現況\n逐室建議\n緩急次序\n替代做法",
                "Orientation and layout\n"
                "Findings room by room\n"
                "Suggestions room by room\n"
                "Order of priority\n"
                "Alternatives",
            ),
            questions=ask.HOME,
        ),
        Service(
            code="SV2",
            slug="bazi-yearly-outlook",
            name=("八字流年規劃報告", "BaZi yearly outlook report"),
            text=(
                "一年十二個月的節奏提示與規劃重點。",
                "A month-by-month outlook and planning notes for one year.",
            ),
            picture=("四柱與圓盤", "Four pillars inside a dial"),
            price="1280.00",
            working_days=7,
            unit=("人", "person"),
            max_subjects=5,
            capacity_per_week=12,
            included=(
                "命盤一份,附各柱的淺白說明\n"
                "全年主題與節奏概述\n"
                "十二個月逐月提示,按節氣分月\n"
                "就您所選範疇的規劃重點\n"
                "時辰不詳時,註明哪些部分因此從略",
                "Your chart, with each pillar explained in plain words\n"
                "The themes and the rhythm of the year\n"
                "Twelve monthly notes, following the solar terms\n"
                "Planning notes on the areas you choose\n"
                "If the birth time is unknown: which parts are left out because of it",
            ),
            outline=(
                "命盤與說明\n全年概述\n逐月提示\n規劃重點",
                "The chart explained\nThe year in outline\nMonth by month\nPlanning notes",
            ),
            questions=ask.YEAR,
            away=AWAY,
        ),
        Service(
            code="SV3",
            slug="naming-proposal",
            name=("命名及改名建議書", "Naming proposal"),
            text=(
                "按字義、讀音與字形,提出可用的名字及理由。",
                "Names that work in meaning, sound and shape, each with its reasons.",
            ),
            picture=("寫著「名」字的紙與毛筆", "A sheet with the character 名 and a brush"),
            price="1680.00",
            working_days=7,
            unit=("個名字", "name"),
            max_subjects=2,
            capacity_per_week=6,
            included=(
                "五個建議名字,按推薦次序排列\n"
                "每個名字的字義、出處與筆畫\n"
                "粵語、國語讀音及英文拼寫,並留意諧音\n"
                "對您已有候選名的意見\n"
                "選名後的書寫示範一頁",
                "Five proposed names, in order of preference\n"
                "Meaning, source and stroke count of each name\n"
                "Cantonese and Mandarin sound and English spelling, checked for unwanted echoes\n"
                "Comments on the names you are already considering\n"
                "One page showing how the chosen name is written",
            ),
            outline=(
                "選名原則\n建議名字\n逐字解說\n發音與避用\n推薦次序",
                "Principles\n"
                "Proposed names\n"
                "Character by character\n"
                "Sound, and what was avoided\n"
                "Order of preference",
            ),
            questions=ask.NAME,
        ),
        Service(
            code="SV4",
            slug="auspicious-date-proposal",
            name=("擇日建議書", "Auspicious-date proposal"),
            text=(
                "在您的日期範圍內,列出合用的日子、時段與理由。",
                "Suitable days and hours within your range, each with its reasons.",
            ),
            picture=("圈起日子的日曆", "A calendar with one day circled"),
            price="880.00",
            working_days=4,
            unit=("件事", "event"),
            max_subjects=3,
            capacity_per_week=15,
            included=(
                "三個建議日期,按合適程度排列\n"
                "每個日期的合用時段\n"
                "按通勝列明宜忌及選取理由\n"
                "應避開的日子及原因\n"
                "當日步驟備忘一頁",
                "Three proposed dates, best first\n"
                "The suitable hours of each date\n"
                "What the almanac says of the day, and why it was chosen\n"
                "Days to avoid, and why\n"
                "One page of notes for the day itself",
            ),
            outline=(
                "用途與條件\n建議日期\n每日時段與宜忌\n備用日期\n當日安排",
                "Purpose and conditions\nProposed dates\nHours of each day\nReserve dates\nNotes for the day",
            ),
            questions=ask.DATE,
        ),
        Service(
            code="SV5",
            slug="shop-and-office-layout-report",
            name=("商舖及辦公室佈局報告", "Shop and office layout report"),
            text=(
                "按平面圖、行業與人手,列出門面、動線與座位的建議。",
                "Frontage, paths and seating, from the plan, the trade and the people who work there.",
            ),
            picture=("商舖門面與平面圖", "A shop front above its plan"),
            price="4880.00",
            working_days=15,
            unit=("個場地", "site"),
            max_subjects=1,
            capacity_per_week=2,
            included=(
                "場地座向與門面概述,附標示平面圖\n"
                "客人動線與員工動線分析\n"
                "收銀、會客、主要座位的位置建議\n"
                "燈光、招牌與陳列的建議\n"
                "按業主條款可行的改動次序\n"
                "開業或重開前的檢查表",
                "An overview of orientation and frontage, with a marked-up plan\n"
                "How customers move, and how staff move\n"
                "Where to place the counter, the meeting corner and the main seats\n"
                "Suggestions on light, signs and display\n"
                "An order of changes that the landlord's terms allow\n"
                "A checklist for the opening or reopening",
            ),
            outline=(
                "場地座向與門面\n分區現況\n分區建議\n緩急次序\n不動間隔的做法",
                "Orientation and front\n"
                "Findings area by area\n"
                "Suggestions area by area\n"
                "Order of priority\n"
                "Without moving a wall",
            ),
            questions=ask.SHOP,
        ),
        Service(
            code="SV6",
            slug="partnership-and-compatibility-report",
            name=("合作及相處參考報告", "Partnership and compatibility report"),
            text=(
                "從雙方的資料看相處的節奏、長處與需要說清楚的地方。",
                "The rhythm between two people, their strengths, and what is better said aloud.",
            ),
            picture=("相扣的雙環", "Two linked rings"),
            price="1980.00",
            working_days=8,
            unit=("對", "pair"),
            max_subjects=2,
            capacity_per_week=5,
            included=(
                "雙方命盤各一份,附淺白說明\n"
                "相處節奏:合拍之處與易生誤會之處\n"
                "各自的長處,以及分工的建議\n"
                "對共同問題的逐點回應\n"
                "可以一起討論的五個題目",
                "Both charts, explained in plain words\n"
                "The rhythm between you: where it is easy, where misunderstandings arise\n"
                "The strengths of each, and how tasks might be shared\n"
                "A point-by-point answer to your shared question\n"
                "Five topics to talk over together",
            ),
            outline=(
                "雙方命盤\n相處概述\n共同問題\n相處建議",
                "Both charts\nHow you work together\nThe questions you share\nSuggestions",
            ),
            questions=ask.PAIR,
            away=AWAY,
        ),
    ),
)
