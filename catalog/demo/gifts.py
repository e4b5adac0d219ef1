from .incense import BURNS
from .shapes import Goods, Shelf

SHELF = Shelf(
    slug="gifts",
    name=("節慶禮盒", "Festive gift sets"),
    intro=(
        "為節慶與心意配好的茶、香、文房禮盒。",
        "Tea, incense and study things, boxed for festivals and for friends.",
    ),
    items=(
        Goods(
            code="GIF-001",
            slug="lunar-new-year-tea-box",
            name=("新春茗禮盒", "Lunar New Year tea box"),
            text=("岩茶、單叢、杯一對。", "Rougui, Dancong and a pair of cups."),
            picture=("繫絲帶的紅色禮盒", "A red gift box with a ribbon"),
            price="588.00",
            grams=1600,
            stock=15,
        ),
        Goods(
            code="GIF-002",
            slug="quiet-hour-incense-box",
            name=("靜心香禮盒", "Quiet-hour incense box"),
            text=("線香、香插、香囊。", "Sticks, holder, sachet."),
            picture=("打開的香禮盒", "An open box of incense"),
            price="468.00",
            grams=700,
            stock=20,
            excluded=BURNS,
        ),
        Goods(
            code="GIF-003",
            slug="little-study-starter-box",
            name=("小書房入門禮盒", "Little study starter box"),
            text=("筆、墨、紙、小硯各一。", "Brush, ink, paper, small inkstone."),
            picture=("文房禮盒內的筆墨紙硯", "A box with brush, ink, paper and inkstone"),
            price="368.00",
            grams=950,
            stock=16,
        ),
        Goods(
            code="GIF-004",
            slug="e-gift-voucher-200",
            name=("電子禮券 HK$200", "e-Gift voucher HK$200"),
            text=("以電子郵件送出,一年有效。", "Sent by email, valid one year."),
            picture=("信封中的HK$200禮券", "An HK$200 voucher in an envelope"),
            price="200.00",
            grams=10,
            stock=9999,
            orderable=False,
            ships=False,
        ),
    ),
)
