"""Closed lists of English words that say what a capital or the end of a sentence means."""

_COMMON = """
    a about above according accordingly across actually additionally after afterwards again against ago all
    almost along already also although always am among an and another any anyone anything anyway are as asked at
    away back be because been before behind being below besides between beyond both briefly but by can cannot
    clearly click contact could currently despite did do does doing done due during each earlier early either
    else especially even eventually ever every everyone everything example except few figure finally first
    firstly follow following for former formerly from fortunately further furthermore generally get given go
    good great had has have having he hello hence her here hers herself hi him himself his how however i if in
    indeed initially inside instead into is it its itself just last lastly late later least less let like
    likewise long look made make many maybe me meanwhile might mine moreover most much must my myself near
    nearly need neither never nevertheless new next no nobody none nonetheless nor not note nothing now nowadays
    of off often oh ok okay on once one only or originally other others otherwise our ours out outside over
    overall own particularly per perhaps please possibly previously probably quite rather read really recently
    remember right same second secondly see set several shall she should similarly simply since so some somebody
    someone something sometimes soon specifically still subsequently such sure take than thank thanks that the
    their theirs them themselves then there thereafter therefore these they third this those though three
    through throughout thus to today together tomorrow tonight too toward towards try two typically ultimately
    under unfortunately unless unlike until up upon us use used using usually very view was we welcome well were
    what whatever when whenever where whereas wherever whether which while who whoever whom whose why will with
    within without would yes yesterday yet you your yours yourself chapter section table step part page
"""
_IN_NAMES = """
    first good great last new next second third
"""
_DATES = """
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February April June July August September
    October November December
"""
_PREPOSITIONS = """
    about across against along alongside among amongst around at behind beneath beside between beyond by despite
    during for from in inside into near of on onto outside over past per through throughout to toward towards
    under upon via with within without
"""
_NO_PHRASE = """
    am are be been being is was were has have had do does did can could may might must shall should will would
    not that which who whom whose when where while if because so than then i you he she it we they me him her us
    them this these those himself herself itself themselves yourself myself how what why but as until since
    after before although though there here again too also well now today yesterday tomorrow only ever instead
    either together away back out up down off later ago often always daily just other
"""
_DETERMINERS = """
    a an the his her its their our your my this each every some any no all both another
"""
_SAYINGS = """
    all addition advance brief case common course detail earth example fact first full general hand home
    instance last least most need once order part particular place practice private public question return sale
    short stock theory time times total turn use vain work
"""

COMMON = frozenset(_COMMON.split())  # have their capital from beginning a sentence, or a heading
IN_NAMES = frozenset(_IN_NAMES.split())  # common alone, but New York
DATES = frozenset(_DATES.split())  # March and May are words too
PREPOSITIONS = frozenset(_PREPOSITIONS.split())  # not those that begin clauses as well: after, before, since, until, as
NO_PHRASE = frozenset(_NO_PHRASE.split())  # are part of no noun phrase, or refer to something said before
DETERMINERS = frozenset(_DETERMINERS.split())
SAYINGS = frozenset(_SAYINGS.split())  # alone behind a preposition they say nothing: in fact, at least
