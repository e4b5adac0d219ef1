"""Postcodes in the form that their country prints, however they are typed."""

from checkout.addresses import formats, postcodes

PRINTED = {
    ("LU", "L-1234"): "1234",  # the label has the L- in its own format
    ("LU", "ｌ－１２３４"): "1234",
    ("CH", "CH-8001"): "8001",
    ("DE", "D-10115"): "10115",
    ("SI", "SI-1000"): "1000",
    ("FR", "F-75 001"): "75001",
    ("LV", "1010"): "LV-1010",
    ("LV", "LV 1010"): "LV-1010",
    ("PL", "00950"): "00-950",
    ("PL", "PL 00950"): "00-950",
    ("PL", "00–950"): "00-950",
    ("GB", "sw1a1aa"): "SW1A 1AA",
    ("GB", "M1 1AE"): "M1 1AE",
    ("CA", "h3z2y7"): "H3Z 2Y7",
    ("US", "95014 1234"): "95014-1234",
    ("JP", "〒1540023"): "154-0023",
    ("BR", "01310100"): "01310-100",
    ("IE", "d02x285"): "D02 X285",
    ("IE", "IE D02 X285"): "D02 X285",
    ("GB", "GB-SW1A 1AA"): "SW1A 1AA",
    ("US", "CA 94108"): "94108",
    ("AU", "NSW 2000"): "2000",
    ("SG", "S(546080)"): "546080",
    ("AX", "FI-22100"): "22100",
    ("NL", "1234ab"): "1234 AB",
    ("TW", "１０６"): "106",
    ("KY", "KY11100"): "KY1-1100",
    ("BB", "23026"): "BB23026",
    ("GB", "SW1A OAA"): "SW1A 0AA",  # the letter O for the digit, and the other way round
    ("GB", "Y062 7TT"): "YO62 7TT",
    ("GB", "SW1A 1AA."): "SW1A 1AA",
    ("GB", "M I IAE"): "M1 1AE",
    ("CA", "K1A OB1"): "K1A 0B1",
    ("CA", "h3z 2y7,"): "H3Z 2Y7",
    ("US", "9021O"): "90210",
    ("US", "l0001"): "10001",
    ("DE", "1O115"): "10115",
    ("HK", "any thing"): "ANY THING",  # no postcodes there: nothing to judge by
}


def test_a_postcode_is_read_as_people_write_it():
    assert {key: postcodes.normalise(key[1], key[0]) for key in PRINTED} == PRINTED


def test_a_printed_postcode_stays_as_it_is_in_every_country():
    for region, _name in formats.region_choices():
        for example in formats.rules_for(region).postcode_examples:
            assert postcodes.normalise(example, region) == example, region
            assert postcodes.normalise(example.lower().replace(" ", ""), region) == example, region


def test_what_is_no_postcode_stays_as_typed_and_is_told_with_one_that_would_be():
    for region, typed in (
        ("VA", "120"),
        ("GB", "12345"),
        ("GB", "1A 0AA"),  # of which town is not to be guessed
        ("CA", "3Z 2Y7"),
        ("IE", "65 F4E2"),
        ("US", "9410"),
        ("LU", "L-12"),
    ):
        address = {"postcode": postcodes.normalise(typed, region)}
        assert address["postcode"] == typed
        message = formats.problems(region, address)["postcode"]
        assert message.startswith(f"“{typed}” is no postcode of this region: ")
        assert formats.rules_for(region).postcode_examples[0] in message


def test_letters_of_another_country_are_not_dropped_so_the_buyer_hears_of_the_mistake():
    for region, typed in (("AT", "CH-8001"), ("CN", "TW-518000"), ("DE", "PL 00950"), ("CH", "L-1234")):
        assert postcodes.normalise(typed, region) == typed
        assert "postcode" in formats.problems(region, {"postcode": typed})
