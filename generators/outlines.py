"""What kinds of text are written from a seed, and for whom: the styles and audiences of Cosmopedia, worded by us."""

PROMPT = {
    "en": "The user gives an extract of a web page. Take its subject, and write {style} for {audience} on it. Do not "
    "retell or mention the extract, and leave out what is not of its subject: explain, with reasons and examples, what "
    "these readers should understand. Write about {words} words, in whole paragraphs of plain text. Begin at once, "
    "without a greeting.",
    "ja": "ユーザーはウェブページの抜粋を示します。その主題について、{audience}に向けた{style}を書いてください。"
    "抜粋を要約したり、抜粋に言及したりせず、主題に関係のないことは省き、読者が理解すべきことを理由と例を挙げて説明します。"
    "{characters}字程度の、段落のある普通の文章で、前置きなしに始めてください。",
}
STYLES = {
    "textbook": {"en": "a section of a textbook", "ja": "教科書の一節"},
    "lecture": {"en": "the script of a lecture", "ja": "講義の原稿"},
    "blog": {"en": "a lively blog post", "ja": "親しみやすいブログ記事"},
    "guide": {"en": "a step-by-step guide", "ja": "順を追った手引き"},
    "story": {"en": "a short story in which people learn about it", "ja": "登場人物がそれを学んでいく短い物語"},
}
AUDIENCES = {
    "children": {"en": "children of about ten", "ja": "10歳くらいの子ども"},
    "pupils": {"en": "pupils of secondary school", "ja": "中学生や高校生"},
    "students": {"en": "students at a university", "ja": "大学生"},
    "everyone": {
        "en": "readers who are curious and know nothing of it",
        "ja": "予備知識のない一般の読者",
    },
    "experts": {"en": "professionals of the field", "ja": "その分野の専門家"},
}
