"""What each service asks, once per subject.

Files, repeated groups and blocks of fields have no kind of their own yet: such a question is a long text that
says what to write, and the consultant asks for the file.
"""

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
YES_NO = (("yes", "可以", "Yes"), ("no", "不可以", "No"))
PLAN_HELP = (
    "請貼上平面圖連結,或描述各室位置與大小;顧問會向您索取檔案。",
    "A link to the floor plan, or describe the rooms; the consultant will ask you for the file.",
)
PHOTO_HELP = (
    "請貼上相片連結,或留空;顧問會向您索取檔案。",
    "A link to the photos, or leave empty; the consultant will ask you for the files.",
)
CONSENT = ("請先徵得對方同意。", "Please ask the person for consent first.")

HOME = (
    Question(
        key="floor-plan",
        kind="long_text",
        label=("平面圖", "Floor plan"),
        help=PLAN_HELP,
        required=True,
        personal=True,
        keep_days=180,
        max_length=2000,
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
        help=("例如:香港太古城。", "For example: Taikoo Shing, Hong Kong."),
        required=True,
        personal=True,
        keep_days=180,
    ),
    Question(
        key="moved-in",
        label=("入住年月", "Month you moved in"),
        help=(
            "例如 2024-05;未入住請寫預計年月。",
            "For example 2024-05; if not yet, the month you expect to.",
        ),
        max_length=40,
    ),
    Question(key="floor", kind="number", label=("樓層", "Floor"), max_length=4),
    Question(
        key="household",
        kind="long_text",
        label=("同住成員出生年份", "Years of birth of those who live there"),
        help=(
            "每人一行:關係、出生年份。請先徵得各人同意。",
            "One person a line: relation, year of birth. Please ask each person for consent first.",
        ),
        personal=True,
        keep_days=90,
        max_length=1000,
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
    Question(
        key="walls-may-move",
        kind="choice",
        label=("可否改動間隔", "Can walls be moved?"),
        choices=YES_NO,
    ),
    Question(
        key="photos",
        kind="long_text",
        label=("室內照片", "Photos of the rooms"),
        help=PHOTO_HELP,
        personal=True,
        keep_days=90,
        max_length=1000,
    ),
)

YEAR = (
    Question(
        key="name",
        label=("姓名或稱呼", "Name, or what to call you"),
        required=True,
        personal=True,
        keep_days=90,
        max_length=100,
    ),
    Question(
        key="birth-date",
        kind="date",
        label=("出生日期(新曆)", "Date of birth (solar calendar)"),
        help=(
            "只知農曆日期者,請填對應新曆日期,並於「補充」註明農曆日期及是否閏月。",
            "If you know the lunar date only, enter the matching solar date, and give the lunar date "
            "and whether the month was a leap month under “Anything to add”.",
        ),
        required=True,
        personal=True,
        keep_days=90,
    ),
    Question(
        key="birth-time",
        label=("出生時間", "Time of birth"),
        help=(
            "例如 08:30;不詳請留空或填「不詳」。",
            "For example 08:30; if unknown, leave empty or write “unknown”.",
        ),
        personal=True,
        keep_days=90,
        max_length=20,
    ),
    Question(
        key="birth-place",
        label=("出生地點", "Place of birth"),
        help=("城市及國家或地區。", "City and country or region."),
        required=True,
        personal=True,
        keep_days=90,
    ),
    Question(
        key="sex",
        kind="choice",
        label=("性別(排盤用)", "Sex (used to set up the chart)"),
        choices=(
            ("f", "女", "Female"),
            ("m", "男", "Male"),
            ("none", "不提供", "Prefer not to say"),
        ),
        personal=True,
        keep_days=90,
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
            "一至兩個漢字;公司或產品請填負責人姓氏。",
            "One or two Chinese characters; for a company or product, the surname of the person in charge.",
        ),
        required=True,
        personal=True,
        max_length=2,
        pattern=HAN + "{1,2}",
    ),
    Question(
        key="birth",
        label=("出生日期及時間", "Date and time of birth"),
        help=(
            "嬰兒或成人適用,例如 2026-11-02 08:30。為他人命名,請先徵得其同意。",
            "For a baby or an adult, for example 2026-11-02 08:30. "
            "For somebody else, please ask for consent first.",
        ),
        personal=True,
        keep_days=90,
        max_length=60,
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
        help=("公司或產品適用。", "For a company or a product."),
        max_length=100,
    ),
    Question(
        key="candidates",
        kind="long_text",
        label=("已有候選名", "Names you are considering"),
        help=("每行一個,最多十個。", "One a line, ten at most."),
        max_length=500,
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
        label=("日期範圍:由", "Range of dates: from"),
        help=("最少十四日之後。", "At least 14 days from now."),
        required=True,
    ),
    Question(key="to", kind="date", label=("日期範圍:至", "Range of dates: to"), required=True),
    Question(
        key="not-on",
        kind="long_text",
        label=("不可用的日子", "Days that are not possible"),
        help=("日期或星期,例如:每逢星期三。", "Dates or weekdays, for example: Wednesdays."),
        max_length=500,
    ),
    Question(key="city", label=("地點", "City"), required=True),
    Question(
        key="births",
        kind="long_text",
        label=("主事人出生日期", "Dates of birth of the people concerned"),
        help=(
            "每人一行,一至四人,例如 1990-03-21。請先徵得各人同意。",
            "One a line, one to four people, for example 1990-03-21. "
            "Please ask each person for consent first.",
        ),
        personal=True,
        keep_days=90,
        max_length=500,
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
        kind="long_text",
        label=("平面圖", "Floor plan"),
        help=PLAN_HELP,
        required=True,
        keep_days=365,
        max_length=2000,
    ),
    Question(key="address", label=("地址", "Address"), required=True, keep_days=365, max_length=300),
    Question(key="opening", kind="date", label=("開業日期", "Opening date")),
    Question(key="staff", kind="number", label=("員工人數", "Number of staff"), max_length=5),
    Question(
        key="owner-born",
        kind="number",
        label=("負責人出生年份", "Year of birth of the person in charge"),
        help=CONSENT,
        personal=True,
        keep_days=90,
        max_length=4,
    ),
    Question(
        key="limits",
        kind="long_text",
        label=("改動限制(業主條款)", "Limits to changes (landlord's terms)"),
        max_length=1000,
    ),
    Question(
        key="photos",
        kind="long_text",
        label=("現場照片", "Photos of the site"),
        help=PHOTO_HELP,
        keep_days=180,
        max_length=1000,
    ),
)

PERSON_HELP = (
    "稱呼、出生日期、出生時間(可寫「不詳」)及出生地點。請先徵得其同意。",
    "Name, date of birth, time of birth (or “unknown”) and place of birth. Please ask for consent first.",
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
        kind="long_text",
        label=("甲方", "First person"),
        help=PERSON_HELP,
        required=True,
        personal=True,
        keep_days=60,
        max_length=500,
    ),
    Question(
        key="second-person",
        kind="long_text",
        label=("乙方", "Second person"),
        help=PERSON_HELP,
        required=True,
        personal=True,
        keep_days=60,
        max_length=500,
    ),
    Question(
        key="consent",
        kind="multi",
        label=("雙方同意", "Consent of both"),
        choices=(
            (
                "given",
                "雙方均同意提供以上資料作此報告之用",
                "Both have agreed to their details being used for this report",
            ),
        ),
        required=True,
        keep_days=60,
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
        kind="choice",
        label=("報告可否由雙方開啟", "May both of you open the report?"),
        choices=YES_NO,
    ),
)
