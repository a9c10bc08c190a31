"""A small crawl of our own words: what is kept, what is refused and what is a copy can be read off it."""

from pathlib import Path

from corpus.warc_writer import Writer

DATE = "2026-01-31T00:00:00Z"
_TOPICS = ("rivers", "bridges", "looms", "kilns", "tides", "maps", "clocks", "seeds")


def english(topic: str, sentences: int = 14) -> str:
    """A plain English article about a topic."""
    lines = [
        f"The history of {topic} begins with people who had to solve the same problem every day of the year.",
        f"Nobody wrote down how the first {topic} were made, but the tools that they left behind tell most of it.",
        f"A traveller of that time described the {topic} of the valley and the work that went into each of them.",
        "He counted the workers, asked for their wages, and compared both with what he knew from his own town.",
        f"Later writers copied his account of the {topic} and added errors that have been repeated ever since.",
        "The records of the guild are more reliable, because each entry was read aloud before it was signed.",
        f"They show that {topic} were repaired far more often than they were replaced with anything new.",
        "When the railway came, the market for such things changed within a few years and never changed back.",
        f"Today a museum keeps examples of the old {topic}, and on some Sundays the caretaker shows how they worked.",
        "Children may touch everything in the last room, which is why its floor has to be renewed so often.",
        f"What remains to be understood about {topic} is mostly a question of who paid for them and for how long.",
        "The letters that could answer this lie in an archive that opens for two afternoons in the month.",
        f"Those who want to read about {topic} at home will find a short list of books at the end of this page.",
        "None of them is long, and all of them were written by people who had held these things in their hands.",
    ]
    return "\n".join(f"<p>{line}</p>" for line in lines[:sentences])


def japanese(topic: str) -> str:
    """A plain Japanese article about a topic, of more than 400 letters."""
    lines = [
        f"{topic}の歴史は、毎日同じ仕事をくり返していた人びとの工夫から始まりました。",
        f"はじめの{topic}がどのように作られたのかを書き残した人はいませんが、残された道具が多くを語っています。",
        f"そのころの旅人は、谷の村で見た{topic}と、それにかかる手間をくわしく日記に書きとめています。",
        "彼は働く人の数をかぞえ、賃金をたずね、自分の町で知っていたことと比べてみました。",
        f"のちの本はこの記録を写しながら、{topic}についての小さな誤りをいくつもつけ加えました。",
        "組合の帳面のほうが確かなのは、署名の前に一行ずつ声に出して読み上げられたからです。",
        f"帳面によれば、{topic}は新しく作りかえられるよりも、ずっと多くの回数なおして使われていました。",
        "鉄道が通ると、こうした品物の市場は数年のうちに変わり、もとに戻ることはありませんでした。",
        f"いまでは小さな資料館が古い{topic}を集めており、日曜日には係の人が使い方を見せてくれます。",
        "最後の部屋では子どもが何にでもさわってよいので、床はたびたび張りかえなければなりません。",
        f"まだ分かっていないのは、だれが{topic}の費用を払い、それがどれほど続いたのかということです。",
        "答えになりそうな手紙は、月に二日だけ開く書庫のなかで静かに眠っています。",
    ]
    return "\n".join(f"<p>{line}</p>" for line in lines)


def page(title: str, body: str) -> bytes:
    """A page around a text."""
    head = f"<!doctype html><html><head><title>{title}</title></head>"
    return f"{head}<body><article>{body}</article></body></html>".encode()


def pages() -> list[tuple[str, bytes, str]]:
    """Address, bytes and content type of every page."""
    html = "text/html; charset=utf-8"
    found = [(f"https://en.example/{topic}", page(topic, english(topic)), html) for topic in _TOPICS]
    found += [(f"https://ja.example/{topic}", page(topic, japanese(topic)), html) for topic in ("水車", "織機", "時計")]
    longer = page("rivers", english("rivers").replace("a short list of books", "a short list of good books"))
    found += [
        ("https://mirror.example/rivers", page("rivers", english("rivers")), html),
        ("https://near.example/rivers", longer, html),
        ("https://short.example/", page("short", english("rivers", 2)), html),
        (
            "https://sjis.example/",
            page("水車", japanese("風車")).decode().encode("cp932"),
            "text/html; charset=Shift_JIS",
        ),
        (
            "https://de.example/",
            page("Brücken", "<p>Die Brücke wurde im Jahre 1802 gebaut und steht noch.</p>" * 9),
            html,
        ),
        ("https://picture.example/a.png", b"\x89PNG\r\n" + bytes(99), "image/png"),
        ("https://empty.example/", page("", ""), html),
    ]
    return found


def write(folder: Path, files: int = 2) -> list[Path]:
    """Write the crawl as WARC files and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"crawl-{number}.warc.gz" for number in range(files)]
    for number, path in enumerate(paths):
        with path.open("wb") as stream:
            writer = Writer(stream, file=path.name, date=DATE)
            for url, body, content_type in pages()[number::files]:
                writer.write(url, body, date=DATE, content_type=content_type)
    return paths
