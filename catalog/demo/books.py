from datetime import date

from .shapes import Goods, Shelf

SHELF = Shelf(
    slug="books",
    name=("書籍曆法", "Books & almanacs"),
    intro=(
        "通勝、節氣曆與茶席、家居的入門書。",
        "Almanacs, solar-term calendars, and first books on tea and the home.",
    ),
    items=(
        Goods(
            code="BOO-001",
            slug="almanac-2027",
            name=("2027丁未年通勝", "Almanac 2027 (Ding-Wei year)"),
            text=("宜忌、節氣、月相一覽。", "Daily guidance, solar terms, moon phases."),
            picture=("封面題「丁未」的紅色通勝", "A red almanac titled 丁未"),
            price="98.00",
            grams=420,
            stock=120,
            available_from=date(2026, 12, 10),
            featured=True,
        ),
        Goods(
            code="BOO-002",
            slug="solar-term-desk-calendar-2027",
            name=("2027雙語節氣桌曆", "Bilingual solar-term desk calendar 2027"),
            text=("24節氣插畫,附便利貼。", "24 illustrations, sticky notes."),
            picture=("印有山水的桌曆", "A desk calendar with a landscape"),
            price="148.00",
            grams=560,
            stock=90,
        ),
        Goods(
            code="BOO-003",
            slug="first-guide-to-home-layout",
            name=("《家居佈局入門》", "A First Guide to Home Layout"),
            text=("平易圖解,繁中。", ""),  # a Chinese book: its text stays Chinese and is marked so
            picture=("封面印有房屋平面圖的書", "A book with a house plan on its cover"),
            price="128.00",
            grams=380,
            stock=28,
        ),
        Goods(
            code="BOO-004",
            slug="notes-on-the-tea-table",
            name=("《茶席小識》中英對照", "Notes on the Tea Table (zh/en)"),
            text=("器、水、火、人四章。", "Four chapters: ware, water, fire, people."),
            picture=("攤開的書與茶杯", "An open book and a tea cup"),
            price="158.00",
            grams=410,
            stock=3,
        ),
    ),
)
