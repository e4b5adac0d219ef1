from .shapes import Goods, Question, Shelf

ONE_TO_FOUR_HAN = "[々〇㐀-䶿一-鿿豈-﫿𠀀-𳑿]{1,4}"

SHELF = Shelf(
    slug="study",
    name=("文房書畫", "Study & calligraphy"),
    intro=(
        "筆、墨、紙、硯與手刻印章,由入門到日常臨池。",
        "Brushes, paper, inkstones and hand-cut seals, from first strokes to daily practice.",
    ),
    items=(
        Goods(
            code="STU-001",
            slug="small-duan-style-inkstone",
            name=("端溪小硯", "Small Duan-style inkstone"),
            text=("石質細潤,連木盒。", "Fine stone, wooden box."),
            picture=("硯台與墨條", "An inkstone with an ink stick"),
            price="268.00",
            grams=900,
            stock=14,
            featured=True,
        ),
        Goods(
            code="STU-002",
            slug="mixed-hair-brushes",
            name=("兼毫毛筆三支裝", "Mixed-hair brushes, set of 3"),
            text=("大、中、小楷各一。", "Large, medium and small."),
            picture=("三支毛筆", "Three writing brushes"),
            price="108.00",
            grams=80,
            stock=48,
        ),
        Goods(
            code="STU-003",
            slug="semi-sized-xuan-paper",
            name=("半生熟宣紙 50張", "Semi-sized xuan paper, 50 sheets"),
            text=("34×68厘米,適合書畫。", "34 × 68 cm, for writing and painting."),
            picture=("一卷宣紙", "A roll of xuan paper"),
            price="78.00",
            grams=450,
            stock=65,
        ),
        Goods(
            code="STU-004",
            slug="hand-cut-name-seal",
            name=("手刻姓名印章(青田石)", "Hand-cut name seal, Qingtian stone"),
            text=(
                "請於備註填寫印文,約七個工作天。",
                "Enter the seal text; about seven working days.",
            ),
            picture=("石印與朱紅印記", "A stone seal and its red impression"),
            price="680.00",
            grams=350,
            stock=1,
            questions=(
                Question(
                    key="seal-text",
                    label=("印文", "Seal text"),
                    help=("一至四個漢字,例如「雲硯閣印」。", "One to four Chinese characters, for example 雲硯閣印."),
                    required=True,
                    personal=True,
                    keep_days=90,
                    max_length=4,
                    pattern=ONE_TO_FOUR_HAN,
                ),
            ),
        ),
        Goods(
            code="STU-005",
            slug="heart-sutra-copybook-set",
            name=("《心經》抄寫帖套裝", "Heart Sutra copybook set"),
            text=("附描紅紙十張及細筆。", "Ten tracing sheets and a fine brush."),
            picture=("抄經帖與細筆", "A copybook and a fine brush"),
            price="188.00",
            grams=300,
            stock=20,
        ),
    ),
)
