import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.pii import MaskPii
from filters.pii_patterns import luhn, my_number_check, plain
from manifests.rows import Document, row_hash, row_id
from manifests.run import run
from manifests.shard import read_parquet
from manifests.stage import Kept, Recipe
from manifests.store import Store
from tests.sources import OneUnit

MASK = MaskPii(my_number=True)


def found(text: str) -> dict[str, int]:
    return dict(MASK.mask(text)[1])


@pytest.mark.parametrize(
    "mail",
    [
        "keys@factory.example",
        "a.b+c_d@mail.co.jp",
        "x@sub.sub.museum",
        "O'Hara@irish.example",
        "ｋｅｙ＠ｆａｃｔｏｒｙ．ｊｐ",
    ],
)
@pytest.mark.parametrize("around", ["{}", "連絡は{}まで", "mailto:{}?subject=x", "<{}>,", "'{}'", "see {}."])
def test_mail_addresses_are_found_in_any_surroundings(mail, around):
    assert found(around.format(mail)) == {"mails": 1}


@pytest.mark.parametrize(
    "text", ["logo@2x.png", "user@localhost", "@name", "a @ b.com", "foo@bar", "1@2.3", "@media print"]
)
def test_what_is_no_mail_address_stays(text):
    assert found(text) == {}


@pytest.mark.parametrize(
    "number",
    [
        *(
            "090-1234-5678",
            "080 1234 5678",
            "07012345678",
            "050-1234-5678",
            "０９０－１２３４－５６７８",
            "090ー1234ー5678",
        ),
        *("03-1234-5678", "045-123-4567", "0466-12-3456", "01234-5-6789", "(03)1234-5678", "03(1234)5678"),
        *("+81-90-1234-5678", "+81 3 1234 5678", "+819012345678", "+81-(0)3-1234-5678"),
        *("+44 20 7946 0958", "+1 (212) 555-0123", "+49 30 901820", "(212) 555-0123", "212-555-0123", "1-212-555-0123"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "電話は{}です", "TEL:{}", "call {}, please", "TEL{}"])
def test_telephone_numbers_are_found(number, around):
    text = around.format(number)
    assert MASK.mask(text)[0] == around.format("000-0000-0000")


@pytest.mark.parametrize(
    "text", ["Tel: 0312345678", "電話番号：03 1234 5678", "phone 020 7946 0958", "Fax. 0451234567"]
)
def test_after_a_word_for_it_a_number_needs_no_hyphens(text):
    assert found(text) == {"phones": 1}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2024-01-15 12:30:00",
            "1995-2004-2010",
            "〒100-0001",
            "0312345678",
            "9876543210",
            "100-200-3000",
            "03-1234-567",
        ),
        *(
            "0120-123-456",
            "0570-012-345",
            "0800-123-4567",
            "ISBN 978-3-16-148410-0",
            "id=090-1234-5678",
            "x090-1234-5678",
        ),
        *("3.14159265358979", "1,234,567,890", "090-1234-56789", "+12345", "192-168-0-1", "abc-212-555-0123"),
    ],
)
def test_other_numbers_and_those_of_firms_stay(text):
    assert found(text) == {}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("93.184.216.34", 1),
        ("at http://93.184.216.34:80/x.", 1),
        ("アドレスは93.184.216.34です", 1),
        ("2606:2800:220:1:248:1893:25c8:1946", 1),
        ("192.168.1.1 10.0.0.1 127.0.0.1 224.0.0.1 0.0.0.0", 0),  # private, of one machine, of groups
        ("1.2.3.4 and 8.8.8.8", 0),  # four single digits are a version
        ("v93.184.216.34 93.184.216.34-beta 93.184.216.34.5 93.184.216", 0),
        ("version 93.184.216.34, release: 93.184.216.34, バージョン93.184.216.34", 0),
        ("Chrome/93.184.216.34 lib==93.184.216.34 lib >= 93.184.216.34", 0),
        ("93.184.216.340 093.184.216.34", 0),
        ("std::vec fe80::1 2001:db8::1 ::1 12:34:56 2024:01:01", 0),
    ],
)
def test_public_ip_addresses_are_found_and_versions_are_none(text, count):
    assert found(text).get("ips", 0) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4111 1111 1111 1111 12/27", 1),
        ("4111-1111-1111-1111, 4111111111111111", 2),
        ("3782 822463 10005 and 378282246310005", 2),
        ("5555555555554444 2221000000000009 6011111111111117 3530111333300000", 4),
        ("4111 1111 1111 1112", 0),  # the check digit is another
        ("4111 1111-1111 1111", 0),
        ("id=4111111111111111", 0),
        ("1234567812345670", 0),  # sound by Luhn, but no brand's
        ("41111111111111110", 0),
    ],
)
def test_card_numbers_have_a_brand_and_a_check_digit(text, count):
    assert found(text).get("cards", 0) == count


def test_luhn_and_my_number_give_known_check_digits():
    assert luhn("79927398713")  # the standard's usual example
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")
    assert my_number_check("12345678901") == 8
    assert my_number_check("00000000000") == 0


def test_my_numbers_are_masked_only_where_asked_for():
    text = "番号は1234 5678 9018、123456789018、1234-5678-9018です。1234 5678 9017 4111 1111 1111 1112"
    assert found(text) == {"my_numbers": 3}
    assert MaskPii().mask(text) == (text, {})


def test_placeholders_go_round_in_each_text_and_equal_data_get_equal_ones():
    text, _ = MASK.mask("a@x.jp b@x.jp a@x.jp c@x.jp")
    first, second = MASK.mails
    assert text == f"{first} {second} {first} {first}"
    assert MASK.mask("c@x.jp")[0] == first  # whatever came before it in another text


def test_the_row_keeps_its_id_gets_another_hash_and_its_counts_by_kind():
    doc = Document(id=b"1" * 16, text="call 03-1234-5678 or write to a@b.jp")
    [kept] = MaskPii()([doc])
    assert isinstance(kept, Kept)
    assert kept.row.id == doc.id
    assert row_hash(kept.row) != row_hash(doc)
    assert kept.row.text == "call 000-0000-0000 or write to email@example.com"
    assert kept.values == {"pii/mails": 1, "pii/ips": 0, "pii/cards": 0, "pii/my_numbers": 0, "pii/phones": 1}


def test_a_text_without_personal_data_is_the_same_object():
    doc = Document(text="nobody is in the mill")
    [kept] = MaskPii()([doc])
    assert kept.row is doc


def test_a_kind_without_placeholders_is_left():
    assert MaskPii(phones=()).mask("03-1234-5678 a@b.jp")[0] == "03-1234-5678 email@example.com"


@given(st.text("０12 -ー.()@:abTELtel+/電話\n", max_size=80))
def test_spelling_keeps_every_character_in_its_place(text):
    assert len(plain(text)) == len(text)


PIECES = [
    "090",
    "03",
    "+81",
    "1234",
    "5678",
    "4111",
    "1111",
    "-",
    " ",
    ".",
    "(",
    ")",
    "a",
    "@",
    "b.jp",
    "TEL:",
    "電話",
    "93.184",
]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_a_masked_text_stays_as_it_is(text):
    once, _ = MASK.mask(text)
    again, counts = MASK.mask(once)
    assert (again, counts) == (once, {})


def test_code_in_markdown_is_left_alone_where_the_stage_is_told_so():
    text = "Ask ann@a.jp or `getty@tty1.service`:\n\n- ```sh\n  mail ann@a.jp\n  ```\n- 03-1234-5678"
    masked, counts = MaskPii(code=False).mask(text)
    assert masked == text.replace("Ask ann@a.jp", "Ask email@example.com").replace("03-1234-5678", "000-0000-0000")
    assert counts == {"mails": 1, "phones": 1}
    assert MaskPii().mask(text)[1] == {"mails": 3, "phones": 1}


class Letter(OneUnit):
    """A source of one row."""

    key = file = "letter"

    def rows(self):
        yield Document(id=row_id("document", "letter", "1"), text="call 03-1234-5678")


def test_the_ledger_keeps_the_masked_text_and_the_counts():
    store = Store("memory://pii")
    made = run(Recipe("letter", (MaskPii(),)), Letter(), store=store).manifest
    assert (made.steps[1].kept, made.steps[1].altered) == (1, 1)
    [decision] = read_parquet(store.get(made.ledger.decisions[0])).to_pylist()
    assert (decision["action"], decision["payload"]) == ("altered", b"call 000-0000-0000")
    [values] = read_parquet(store.get(made.ledger.values[0])).to_pylist()
    assert (values["1:pii/phones"], values["1:pii/mails"]) == (1, 0)
