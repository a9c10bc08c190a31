"""A reply that satisfies some constraints, put together from what each of them asks for."""

import json

ENGLISH = "the sun is on the sea and the moon is not there at noon"
OTHERS = {
    "ja": "海には太陽があり、月はない。",
    "fr": "le soleil est sur la mer et la lune dans le ciel",
    "de": "die Sonne steht auf dem Meer und der Mond ist nicht da",
    "es": "el sol está sobre el mar y la luna no está en el cielo",
    "en": ENGLISH,
    "zh": "太阳在海上，月亮不在天上，我们都没有看见它们。",
}
LESS = {"less than", "未満"}


def witness(*constraints):
    """Return a reply; whether it satisfies the constraints is for them to say."""
    wanted = {one.kind: one for one in constraints}
    return (_english if constraints[0].made_for == "en" else _japanese)(wanted)


def at_least(wanted, kind, name):
    """Return the number that a constraint asks for at least; 0 where there is none."""
    one = wanted.get(kind)
    return 0 if one is None or LESS & {str(value) for value in one.parameters.values()} else getattr(one, name)


def _english(wanted):
    get = wanted.get
    filler = OTHERS[get("response_language").language] if "response_language" in wanted else ENGLISH
    short = filler.split()[1] if " " in filler else "太陽"
    inline = [filler]
    inline += get("existence").keywords if "existence" in wanted else ()
    inline += [get("frequency").keyword] * at_least(wanted, "frequency", "frequency") if "frequency" in wanted else []
    if at_least(wanted, "letter_frequency", "let_frequency"):
        inline.append(get("letter_frequency").letter * get("letter_frequency").let_frequency)
    inline += [f"[{short}]"] * at_least(wanted, "number_placeholders", "num_placeholders")
    inline += [f"*{short}*"] * at_least(wanted, "number_highlighted_sections", "num_highlights")
    inline += [f"<<{short}>>"] * ("title" in wanted)
    inline += ["SUN"] * at_least(wanted, "capital_word_frequency", "capital_frequency")
    sections = range(1, 1 + at_least(wanted, "multiple_sections", "num_sections"))
    inline += [wanted["multiple_sections"].texts()[0].replace("1", str(number)) for number in sections]
    inline += [short] * at_least(wanted, "number_words", "num_words")
    inline += ["The sun is on."] * at_least(wanted, "number_sentences", "num_sentences")
    bullets = "".join(
        ["\n- sun" if short != "太陽" else "\n- 太陽"] * at_least(wanted, "number_bullet_lists", "num_bullets")
    )
    return _whole(wanted, " ".join(inline) + bullets, short, (" ", '"', '"'))


def _japanese(wanted):
    get = wanted.get
    kanji = "no_hiragana" in wanted and "no_katakana" in wanted
    kana = "ウミ" if {"no_hiragana", "katakana_only"} & set(wanted) and not kanji else "うみ"
    short = "海" if kanji else kana
    inline = [short]
    if "response_language" in wanted:
        inline = [OTHERS[get("response_language").language].replace("。", "")]
        short = inline[0][:12]
    inline += [f" {word} " for word in get("existence").keywords] if "existence" in wanted else []
    if "frequency" in wanted:
        inline += [f" {get('frequency').keyword} "] * at_least(wanted, "frequency", "frequency")
    if at_least(wanted, "letter_frequency", "let_frequency"):
        inline.append(get("letter_frequency").letter * get("letter_frequency").let_frequency)
    inline += ["海"] * at_least(wanted, "kanji", "kanji_limit")
    inline += [f"[{short}]"] * at_least(wanted, "number_placeholders", "num_placeholders")
    inline += [f"《{short}》"] * at_least(wanted, "number_highlighted_sections", "num_highlights")
    inline += [f"『{short}』"] * ("title" in wanted)
    sections = range(1, 1 + at_least(wanted, "multiple_sections", "num_sections"))
    inline += [wanted["multiple_sections"].texts()[0].replace("1", str(number)) for number in sections]
    inline += [short] * at_least(wanted, "number_letters", "num_letters")
    stop = "" if "no_period" in wanted else "。"
    ending = get("sentence_unified_end").ending if "sentence_unified_end" in wanted else ""
    text = "".join(inline) + ending + stop
    text += f"{short}{ending}。" * at_least(wanted, "number_sentences", "num_sentences")
    text += "これは海。" * at_least(wanted, "nominal_ending", "count")
    text += f"\n・{short}" * at_least(wanted, "number_bullet_lists", "num_bullets")
    items = range(1, 1 + at_least(wanted, "number_numbered_lists", "num_items"))
    text += "".join([f"\n{number}. {short}" for number in items])
    return _whole(wanted, text, short, ("", "「", "」"))


def _whole(wanted, text, short, marks):
    blank, opening, closing = marks
    if "constrained_response" in wanted:
        return "My answer is no." if blank else "はい、そうです。"
    if "json_format" in wanted:
        return json.dumps(text, ensure_ascii=False)
    paragraphs = [text]
    if "number_paragraphs" in wanted:
        paragraphs += [short] * (wanted["number_paragraphs"].num_paragraphs - 1)
        text = "\n***\n".join(paragraphs)
    if "nth_paragraph_first_word" in wanted:
        nth = wanted["nth_paragraph_first_word"]
        paragraphs += [short] * (nth.num_paragraphs - 1)
        paragraphs[nth.nth_paragraph - 1] = f"{nth.first_word}{blank}{paragraphs[nth.nth_paragraph - 1]}"
        text = "\n\n".join(paragraphs)
    if "repeat_prompt" in wanted:
        text = f"{wanted['repeat_prompt'].prompt_to_repeat}\n{text}"
    if "two_responses" in wanted:
        text = f"{text}\n******\n{text}{blank}{short}"
    if "postscript" in wanted:
        text += f"\n{wanted['postscript'].postscript_marker} {short}"
    if "end_checker" in wanted:
        text += f"\n{wanted['end_checker'].end_phrase}"
    if "english_capital" in wanted or "english_lowercase" in wanted:
        text = text.upper() if "english_capital" in wanted else text.lower()
    return f"{opening}{text}{closing}" if "quotation" in wanted else text
