from .shapes import Choice, Goods, Shelf

SHELF = Shelf(
    slug="wear",
    name=("手串飾物", "Bracelets & charms"),
    intro=(
        "木、石、玉與編繩,貼身佩戴的小物。",
        "Wood, stone, jade and braided cord: small things to wear.",
    ),
    items=(
        Goods(
            code="WEA-001",
            slug="red-sandalwood-bracelet",
            # The size stands in the variant: "12 mm – 8 mm" on an order would puzzle everybody.
            name=("小葉紫檀手串", "Red sandalwood bracelet"),
            text=("15粒,可調節。", "15 beads, adjustable."),
            picture=("紫檀手串", "A sandalwood bracelet"),
            price="328.00",
            grams=40,
            stock=24,
            variants=(
                Choice("12", ("12毫米", "12 mm"), stock=8),
                Choice("10", ("10毫米", "10 mm"), stock=8),
                Choice("8", ("8毫米", "8 mm"), stock=8),
            ),
        ),
        Goods(
            code="WEA-002",
            slug="obsidian-bracelet",
            name=("黑曜石手串", "Obsidian bracelet"),
            text=(
                "火山玻璃,雙彩眼不保證。",
                "Volcanic glass; rainbow eye not guaranteed.",
            ),
            picture=("黑曜石手串", "An obsidian bracelet"),
            price="268.00",
            grams=45,
            stock=19,
        ),
        Goods(
            code="WEA-003",
            slug="cinnabar-bead-red-cord",
            name=("朱砂轉運珠紅繩", "Cinnabar bead on red cord"),
            text=("手工編織,可調長度。", "Hand-braided, adjustable."),
            picture=("紅繩與朱砂珠", "A red cord with a cinnabar bead"),
            price="188.00",
            grams=20,
            stock=40,
        ),
        Goods(
            code="WEA-004",
            slug="hetian-jade-ring-pendant",
            name=("和田玉平安扣", "Hetian jade ring pendant"),
            text=("附鑑定卡。", "With appraisal card."),
            picture=("紅繩上的玉平安扣", "A ring of jade on a red cord"),
            price="428.00",
            grams=25,
            stock=8,
            most=2,
            featured=True,
        ),
    ),
)
