"""What each service asks, once per subject."""

from .shapes import HAN, Question

DIRECTIONS = (
    ("n", "北", "North"),
    ("ne", "東北", "North-east"),
    ("e", "東", "East"),
    ("se", "東南", "South-east"),
    ("s", "南", "South"),
    ("sw", "西南", "South-west"),
    ("w", "西", "West"),
    ("nw", "西北", "North-west"),
    ("unknown", "不清楚", "I do not know"),
)
WEEKDAYS = (
    ("mon", "星期一", "Monday"),
    ("tue", "星期二", "Tuesday"),
    ("wed", "星期三", "Wednesday"),
    ("thu", "星期四", "Thursday"),
    ("fri", "星期五", "Friday"),
    ("sat", "星期六", "Saturday"),
    ("sun", "星期日", "Sunday"),
)
PLAN = ("pdf", "jpeg", "png")
PHOTOS = ("jpeg", "png")
FOR_PLAN = (
    "用作逐室分析座向及佈局。",
    "To study the orientation and the layout room by room.",
)
FOR_PLACE = ("用作核對座向及周邊環境。", "To check the orientation and the surroundings.")
FOR_PHOTOS = ("用作了解現況。", "To see how things are now.")
FOR_CHART = ("用作排出八字命盤。", "To set up the birth chart.")
FOR_NAME = ("用於報告內的稱呼。", "To address the person in the report.")
FOR_HOUSEHOLD = (
    "用作配合各人生肖與五行。",
    "To take each person's year sign into account.",
)
FOR_DAYS = ("用作避開相沖的日子。", "To avoid days that clash with it.")


def _part(key: str, kind: str, zh_hant: str, en: str) -> dict[str, str]:
    return {"key": key, "kind": kind, "zh_hant": zh_hant, "en": en}


HOME = (
    Question(
        key="floor-plan",
        kind="file",
        label=("平面圖", "Floor plan"),
        help=("手繪亦可，請標示北方。", "A sketch by hand will do; please mark north."),
        required=True,
        may_follow=True,
        personal=True,
        keep_days=180,
        purpose=FOR_PLAN,
        options={"most": 3, "max_mb": 10, "accept": list(PLAN)},
    ),
    Question(
        key="door-direction",
        kind="choice",
        label=("大門座向", "Which way does the front door face?"),
        help=("由室內望向門外的方向。", "The direction you look when you walk out of the door."),
        choices=DIRECTIONS,
    ),
    Question(
        key="district",
        label=("樓宇地區", "District of the building"),
        help=("例如：香港太古城。", "For example: Taikoo Shing, Hong Kong."),
        required=True,
        personal=True,
        keep_days=180,
        purpose=FOR_PLACE,
    ),
    Question(
        key="moved-in",
        kind="month",
        label=("入住年月", "Month you moved in"),
        help=("未入住請填預計年月。", "If not yet, the month you expect to."),
    ),
    Question(
        key="floor",
        kind="number",
        label=("樓層", "Floor"),
        help=("地下為0，地庫為負數。", "Ground floor 0, basements below zero."),
        options={"min": -9, "max": 200},
    ),
    Question(
        key="household",
        kind="repeat",
        label=("同住成員出生年份", "Years of birth of those who live there"),
        personal=True,
        third_person=True,
        keep_days=90,
        purpose=FOR_HOUSEHOLD,
        max_length=40,
        options={
            "most": 8,
            "parts": [
                _part("year", "year", "出生年份", "Year of birth"),
                _part("relation", "text", "關係", "Relation"),
            ],
        },
    ),
    Question(
        key="concerns",
        kind="multi",
        label=("最關心範疇", "What matters most to you"),
        choices=(
            ("sleep", "睡眠", "Sleep"),
            ("work", "工作", "Work"),
            ("storage", "收納", "Storage"),
            ("light", "採光", "Light"),
            ("other", "其他", "Something else"),
        ),
        required=True,
    ),
    Question(key="walls-may-move", kind="yes_no", label=("可否改動間隔", "Can walls be moved?")),
    Question(
        key="photos",
        kind="file",
        label=("室內照片", "Photos of the rooms"),
        personal=True,
        keep_days=90,
        purpose=FOR_PHOTOS,
        options={"most": 10, "max_mb": 10, "accept": list(PHOTOS)},
    ),
)

YEAR = (
    Question(
        key="name",
        label=("姓名或稱呼", "Name, or what to call you"),
        required=True,
        personal=True,
        keep_days=90,
        purpose=FOR_NAME,
        max_length=100,
    ),
    Question(
        key="birth-date",
        kind="date",
        label=("出生日期", "Date of birth"),
        required=True,
        personal=True,
        keep_days=90,
        purpose=FOR_CHART,
        options={"lunar": True, "past": True},
    ),
    Question(
        key="birth-time",
        kind="time",
        label=("出生時間", "Time of birth"),
        personal=True,
        keep_days=90,
        purpose=FOR_CHART,
    ),
    Question(
        key="birth-place",
        label=("出生地點", "Place of birth"),
        help=("城市及國家或地區。", "City and country or region."),
        required=True,
        personal=True,
        keep_days=90,
        purpose=FOR_CHART,
    ),
    Question(
        key="sex",
        kind="choice",
        label=("性別（排盤用）", "Sex (used to set up the chart)"),
        choices=(
            ("f", "女", "Female"),
            ("m", "男", "Male"),
            ("none", "不提供", "Prefer not to say"),
        ),
        personal=True,
        keep_days=90,
        purpose=FOR_CHART,
    ),
    Question(
        key="year",
        kind="choice",
        label=("年份", "Year"),
        choices=(("2026", "2026 丙午年", "2026"), ("2027", "2027 丁未年", "2027")),
        required=True,
    ),
    Question(
        key="areas",
        kind="multi",
        label=("想了解的範疇", "What you would like to know about"),
        choices=(
            ("career", "事業", "Career"),
            ("study", "學業", "Study"),
            ("people", "人際", "People"),
            ("home", "居住", "Home"),
            ("travel", "出行", "Travel"),
        ),
        required=True,
    ),
    Question(key="more", kind="long_text", label=("補充", "Anything to add"), max_length=1000),
)

NAME = (
    Question(
        key="whose",
        kind="choice",
        label=("類別", "What is to be named"),
        choices=(
            ("baby", "嬰兒", "A baby"),
            ("adult", "成人", "An adult"),
            ("company", "公司", "A company"),
            ("product", "產品", "A product"),
        ),
        required=True,
    ),
    Question(
        key="surname",
        label=("姓氏", "Surname"),
        help=(
            "一至兩個漢字；公司或產品請填負責人姓氏。",
            "One or two Chinese characters; for a company or product, the surname of the person in charge.",
        ),
        required=True,
        personal=True,
        purpose=("用作構思全名。", "To compose the full name."),
        max_length=2,
        pattern=HAN + "{1,2}",
    ),
    Question(
        key="birth",
        kind="date",
        label=("出生日期", "Date of birth"),
        help=(
            "嬰兒未出生者，請於付款後補充。",
            "If the baby is not born yet, please add it after payment.",
        ),
        required=True,
        may_follow=True,
        personal=True,
        third_person=True,
        keep_days=90,
        purpose=FOR_CHART,
        options={"lunar": True, "past": True, "conditions": {"whose": ["baby", "adult"]}},
    ),
    Question(
        key="birth-time",
        kind="time",
        label=("出生時間", "Time of birth"),
        personal=True,
        third_person=True,
        keep_days=90,
        purpose=FOR_CHART,
        options={"conditions": {"whose": ["baby", "adult"]}},
    ),
    Question(
        key="avoid",
        label=("避用字或輩份字", "Characters to avoid, or a generation name to keep"),
        max_length=200,
    ),
    Question(
        key="languages",
        kind="multi",
        label=("語言及拼音", "Languages and romanisation"),
        choices=(
            ("yue", "粵語", "Cantonese"),
            ("cmn", "國語", "Mandarin"),
            ("en", "英文", "English"),
        ),
        required=True,
    ),
    Question(
        key="style",
        kind="multi",
        label=("偏好風格", "Style you prefer"),
        choices=(
            ("classic", "典雅", "Classic"),
            ("modern", "現代", "Modern"),
            ("simple", "簡潔", "Simple"),
            ("rare", "少見", "Uncommon"),
        ),
    ),
    Question(
        key="trade",
        label=("行業", "Trade"),
        required=True,
        max_length=100,
        options={"conditions": {"whose": ["company"]}},
    ),
    Question(
        key="candidates",
        kind="repeat",
        label=("已有候選名", "Names you are considering"),
        max_length=30,
        options={"most": 10},
    ),
)

DATE = (
    Question(
        key="purpose",
        kind="choice",
        label=("用途", "Purpose"),
        choices=(
            ("move", "入伙", "Moving in"),
            ("build", "動工", "Starting works"),
            ("wed", "結婚", "Wedding"),
            ("open", "開業", "Opening a business"),
            ("sign", "簽約", "Signing a contract"),
            ("other", "其他", "Something else"),
        ),
        required=True,
    ),
    Question(
        key="from",
        kind="date",
        label=("日期範圍：由", "Range of dates: from"),
        help=("最少十四日之後。", "At least 14 days from now."),
        required=True,
        options={"days_ahead": 14},
    ),
    Question(
        key="to",
        kind="date",
        label=("日期範圍：至", "Range of dates: to"),
        required=True,
        options={"days_ahead": 14, "not_before": "from"},
    ),
    Question(
        key="not-weekdays",
        kind="multi",
        label=("不可用的星期", "Weekdays that are not possible"),
        choices=WEEKDAYS,
    ),
    Question(
        key="not-on",
        kind="repeat",
        label=("不可用的日子", "Dates that are not possible"),
        options={"most": 10, "parts": [_part("date", "date", "日期", "Date")]},
    ),
    Question(key="city", label=("地點", "City"), required=True),
    Question(
        key="births",
        kind="repeat",
        label=("主事人出生日期", "Dates of birth of the people concerned"),
        personal=True,
        third_person=True,
        keep_days=90,
        purpose=FOR_DAYS,
        options={"most": 4, "parts": [_part("date", "date", "出生日期", "Date of birth")]},
    ),
    Question(key="hours", label=("時段限制", "Hours that suit you"), max_length=200),
)

SHOP = (
    Question(key="trade", label=("行業", "Trade"), required=True, max_length=100),
    Question(
        key="stage",
        kind="choice",
        label=("營業狀態", "Stage of the business"),
        choices=(
            ("planned", "籌備中", "Planned"),
            ("renovating", "裝修中", "Being renovated"),
            ("open", "營業中", "Open"),
        ),
        required=True,
    ),
    Question(
        key="floor-plan",
        kind="file",
        label=("平面圖", "Floor plan"),
        required=True,
        may_follow=True,
        keep_days=365,
        purpose=FOR_PLAN,
        options={"most": 5, "max_mb": 10, "accept": list(PLAN)},
    ),
    Question(
        key="address",
        label=("地址", "Address"),
        required=True,
        keep_days=365,
        purpose=FOR_PLACE,
        max_length=300,
    ),
    Question(key="opening", kind="date", label=("開業日期", "Opening date")),
    Question(
        key="staff", kind="number", label=("員工人數", "Number of staff"), options={"min": 0, "max": 100000}
    ),
    Question(
        key="owner-born",
        kind="repeat",
        label=("負責人出生年份", "Year of birth of the person in charge"),
        personal=True,
        third_person=True,
        keep_days=90,
        purpose=FOR_HOUSEHOLD,
        options={"most": 1, "parts": [_part("year", "year", "出生年份", "Year of birth")]},
    ),
    Question(
        key="limits",
        kind="long_text",
        label=("改動限制（業主條款）", "Limits to changes (landlord's terms)"),
        max_length=1000,
    ),
    Question(
        key="photos",
        kind="file",
        label=("現場照片", "Photos of the site"),
        keep_days=180,
        purpose=FOR_PHOTOS,
        options={"most": 20, "max_mb": 10, "accept": list(PHOTOS)},
    ),
)

PAIR = (
    Question(
        key="relation",
        kind="choice",
        label=("關係", "Relation"),
        choices=(
            ("couple", "伴侶", "Couple"),
            ("family", "家人", "Family"),
            ("business", "合作夥伴", "Business partners"),
        ),
        required=True,
    ),
    Question(
        key="first-person",
        kind="person",
        label=("甲方", "First person"),
        required=True,
        may_follow=True,
        personal=True,
        third_person=True,
        keep_days=60,
        purpose=FOR_CHART,
        max_length=100,
        options={"lunar": True},
    ),
    Question(
        key="second-person",
        kind="person",
        label=("乙方", "Second person"),
        required=True,
        may_follow=True,
        personal=True,
        third_person=True,
        keep_days=60,
        purpose=FOR_CHART,
        max_length=100,
        options={"lunar": True},
    ),
    Question(
        key="shared-question",
        kind="long_text",
        label=("共同問題", "Your shared question"),
        help=("最多600字。", "Up to 600 characters."),
        required=True,
        max_length=600,
    ),
    Question(
        key="both-may-open",
        kind="yes_no",
        label=("報告可否由雙方開啟", "May both of you open the report?"),
    ),
)
