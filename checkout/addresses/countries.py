"""The countries of the world: their codes, their names, and their order in a list.

Codes are those of ISO 3166, listed by django-countries, and Kosovo's, which ISO leaves to those who need one.
Names are CLDR's (by Babel), in Chinese as they are written in Hong Kong. django-countries has names too, but
calls Greenland 冰島 and Martinique 茅利塔尼亞.
"""

from functools import cache

from babel import Locale
from django.utils.translation import gettext_lazy as _
from django_countries.data import COUNTRIES

from shop.l10n.languages import is_english
from shop.typed_values.characters import normalize

CODES = frozenset({*COUNTRIES, "XK"})
OURS = {
    "HK": _("Hong Kong"),
    "MO": _("Macau"),
    "TW": _("Taiwan"),
    "CN": _("Mainland China"),
}
_CHINESE = {  # where Hong Kong writes otherwise than CLDR
    "BN": "文萊",
    "CC": "科科斯（基林）群島",
    "GG": "根西島",
    "NZ": "新西蘭",
    "SA": "沙特阿拉伯",
}
_ENGLISH = {  # as the post writes them
    "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo",
    "MM": "Myanmar",
    "PS": "Palestine",
    "US": "United States of America",
}
# The characters of the names by number of strokes, then by radical: as ICU sorts them (zh-u-co-stroke).
_STROKES = (
    "丁力也千土士大小山干不中丹內厄及夫巴支文日比毛牙乍他代以加北卡古台外尼布旦本瓜瓦白皮立伊伐共冰列匈印"
    "危各合吉圭地多安托汗百米老耳舌色西伯佐佛克別利努希廷汶沃沙甸角貝赤那里亞京來其典和坡坦奇委孟宛岡帛延"
    "所拉旺昂東林果治泊法波直肯芬金長門阿陀非俄保南哈奎威帝度律拜柬洋洛津洪洲玻科突約美英迪酋韋香倫剛哥唐"
    "埃埔夏島庫恩息拿挪時朗根格桑泰浦海烏特班琉留秘納紐索茨茲馬勒區國基密得捷敘曼梵紹脫荷莫部都陵陶麥凱勞"
    "博喀堡富幾提揚敦斐斯普智森港湯登菲萄萊買越開隆黑塔塞奧意愛新極瑙瑞群聖葡蒂裘路道達頓圖嫩寧寨爾福維與"
    "蒙賓赫領德慕摩撒畿緬蓬誕魯黎墨撾澤澳盧諾鮑嶼濟聯韓薩疆羅臘贊關蘇屬蘭灣"
)


def name(code: str) -> str:
    """In the reader's language; one of our own four as the shop calls it; an unknown code stays one."""
    return str(OURS[code]) if code in OURS else international_name(code)


def international_name(code: str) -> str:
    """For a label that crosses a border: China, where the shop says Mainland China."""
    return _names(english=is_english()).get(code, code)


def choices() -> list[tuple[str, str]]:
    """Our own four first, then every other country: by strokes in Chinese, by letter in English."""
    near = [(code, str(own)) for code, own in OURS.items()]
    return near + [pair for pair in _names(english=is_english()).items() if pair[0] not in OURS]


@cache
def _names(*, english: bool) -> dict[str, str]:
    """Code -> name, in the order of a list."""
    if english:
        names = {code: _in_full(text) for code, text in Locale("en").territories.items()} | _ENGLISH
    else:
        names = dict(Locale("zh", "HK", script="Hant").territories) | _CHINESE
    order = letters if english else strokes
    return dict(sorted(((code, names[code]) for code in CODES), key=lambda pair: order(pair[1])))


def _in_full(text: str) -> str:
    """CLDR shortens what labels print in full."""
    return text.replace(" & ", " and ").replace("St. ", "Saint ").replace("’", "'")


def strokes(text: str) -> list[int]:
    """Where the characters of a Chinese name stand among all; punctuation does not count."""
    return [_STROKES.find(sign) for sign in text if sign.isalpha()]


def letters(text: str) -> str:
    """Åland among the names in A."""
    return "".join(sign for sign in normalize("NFKD", text.casefold()) if sign.isalnum() or sign == " ")
