"""What is a name, a date or a figure in a sentence, and where its last phrase stands, in both languages."""

import pytest

from filters.japanese_words import tagged_words
from filters.sentences import count
from filters.sentences import sentences as split
from generators import english_mentions, japanese_mentions
from generators.mentions import distinct, may_be_the_same


def english(text):
    return {mention.text: mention.kind for one in english_mentions.sentences(text) for mention in one.mentions}


def japanese(text):
    return {mention.text: mention.kind for one in japanese_mentions.sentences(text) for mention in one.mentions}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "The painter Clara von der Heide met Dr. E. F. Okafor there.",
            {"Clara von der Heide": "name", "Dr. E. F. Okafor": "name"},
        ),
        (
            "He left New York for the University of Oslo in May 1957.",
            {"New York": "name", "University of Oslo": "name", "May 1957": "date"},
        ),
        ("On 3 June 1901 and in the 1950s it was Monday.", {"3 June 1901": "date", "1950s": "date", "Monday": "date"}),
        (
            "It cost $3.5 million, or 48,000 crowns, a rise of 12%.",
            {"$3.5 million": "number", "48,000": "number", "12%": "number"},
        ),
        ("She wrote “The Ninth Wave” and “Hello there, friend.” quickly.", {"The Ninth Wave": "title"}),
        ("Madonna's house stands near O'Brien Gipson-Long's one.", {"O'Brien Gipson-Long": "name"}),
        ("However, workers say that NASA’s plan was wrong.", {"NASA": "name"}),
        ("Workers of the mill went home when it was dark.", {}),
        ("Recently Using words like these we named nothing at all.", {}),
        ("I think that I'm sure, and so are You.", {}),
        ("Call x.y.Foo(Bar) or see https://Example.com/Page for v2.0.40 today.", {}),
        ("It gives 197 Nm of torque in room 7, and that is all.", {"197": "number"}),
        ("WARNING: he said ABSOLUTELY NOTHING about NATO here.", {"NATO": "name"}),
        ("A list of Headings\n- One Item\nThe Last Line", {}),
    ],
)
def test_what_writing_marks_is_found_in_english(text, found):
    assert english(text) == found


def test_the_first_word_of_a_sentence_is_a_name_where_it_has_its_capital_elsewhere():
    assert english("Phillips was born by the sea and left it.") == {}
    assert english("Phillips was born by the sea. They never found Phillips again.") == {"Phillips": "name"}


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("He is the director of the Center for Biodiversity.", "Biodiversity"),
        ("She was born in a small town near the old river.", "the old river"),
        ("It was sold by the widow and three sons.", "the widow and three sons"),
        ("They came here to see the town.", None),
        ("It is made better by using tools.", None),
        ("He did it for a reason that nobody knew.", None),
        ("She did nothing of it.", None),
        ("Nothing was lost in fact.", None),
        ("The river rose in the night they left.", None),
        ("They never stopped laughing.", None),
        ("He wrote of (the war).", None),
    ],
)
def test_the_phrase_behind_the_last_preposition_is_found(text, phrase):
    place = english_mentions.last_phrase(text)
    assert (text[slice(*place)] if place else None) == phrase


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "昭和6年4月9日に佐藤一郎が東京都で亡くなった。",
            {"昭和6年4月9日": "date", "佐藤一郎": "name", "東京都": "name"},
        ),
        ("高さは約15メートル、重さは160.5キロである。", {"約15メートル": "number", "160.5キロ": "number"}),
        ("『第九の波』という本と「青い鳥」という歌がある。", {"第九の波": "title", "青い鳥": "title"}),
        ("彼は「とても楽しく遊ぶ」と静かに言ったのである。", {}),
        ("第二次世界大戦の後には平和な時代がやって来た。", {"第二次世界大戦": "name"}),
        ("ヨハン・シュトラウスの曲を聴いた。", {"ヨハン・シュトラウス": "name"}),
        ("九州・四国の山を歩いた人は多いのである。", {"九州": "name", "四国": "name"}),
        ("新型のV2500という物が出たのである。", {}),
        ("学校では生態調査されたことがなかったのである。", {}),
        ("生物地理学的な見方からも大切なことである。", {}),
        ("昔、川のそばに古い家が建てられた。", {}),
    ],
)
def test_names_figures_and_terms_are_found_in_japanese(text, found):
    assert japanese(text) == found


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("この寺は古い建築として世界遺産に登録されている。", "世界遺産に登録されている"),
        ("東京にある最も大きな図書館である。", "図書館である"),
        ("夏になると人々が海へ出かける。", None),
        ("この地域には大きな運河が流れている！", "運河が流れている"),
        ("昔からそれをすることである。", None),
        ("詳しい原因はまだ不明である。", None),
        ("川が流れる。", None),
        ("昔の東京", None),
    ],
)
def test_the_last_phrase_and_its_predicate_are_found(text, phrase):
    place = japanese_mentions.last_phrase(text)
    assert (text[slice(*place)] if place else None) == phrase


def test_names_that_may_mean_the_same_are_told():
    assert may_be_the_same("Okafor", "Emil Okafor")
    assert may_be_the_same("MLB", "Major League Baseball")
    assert may_be_the_same("oslo", "Oslo")
    assert not may_be_the_same("Oslo", "Bergen")


def test_what_is_mentioned_again_is_one_mention():
    text = "Oslo lies by the sea, as Bergen does. They say that OSLO is large, and Oslo is old."
    mentions = [mention for one in english_mentions.sentences(text) for mention in one.mentions]
    assert [mention.text for mention in distinct(mentions)] == ["Oslo", "Bergen"]


def test_the_sentences_of_a_line_are_those_that_are_counted_and_lose_nothing():
    line = 'Dr. Smith paid 3.5 million, e.g. in Jan. 2003. "Why?" (Nobody knew.) It was the U.S. army. Then he left'
    found = split(line)
    assert found == [
        "Dr. Smith paid 3.5 million, e.g. in Jan. 2003.",
        '"Why?"',
        "(Nobody knew.)",
        "It was the U.S. army.",
        "Then he left",
    ]
    assert len(found) == count(line)
    assert " ".join(found) == line
    assert split("") == []


def test_tagged_words_stand_where_they_say_in_a_text_of_several_pieces():
    text = "東京都へ行く。\n" * 2_000
    words = tagged_words(text)
    assert "".join([word.text for word in words]) == text
    assert all(text[word.start : word.end] == word.text for word in words)
    assert words[0].part_of_speech[:2] == ("名詞", "固有名詞")
