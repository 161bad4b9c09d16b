"""What schemathesis cannot know of our document: how filters and orders are written."""

import schemathesis
from hypothesis import strategies as st

NUMBERS = ["metrics.rmse", "metrics.`a b`", "start_time", "end_time"]
TEXTS = ["params.depth", "tags.team", 'tags."x y"', "status", "run_name", "datasets.name"]
letters = st.text(st.characters(codec="utf-8", exclude_characters="'\\\x00"), max_size=8)
text = letters.map(lambda text: f"'{text}'")
number = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
comparison = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
negation = st.sampled_from(["", "not "])


def clauses(names, value, patterns):
    name = st.sampled_from(names)
    values = st.lists(value, min_size=1, max_size=3).map(", ".join)
    kinds = [
        st.tuples(name, comparison, value).map(" ".join),
        st.builds("{} {}in ({})".format, name, negation, values),
        st.builds("{} {}between {} and {}".format, name, negation, value, value),
        st.builds("{} is {}null".format, name, negation),
    ]
    if patterns:
        like = st.sampled_from(["like", "ilike"])
        regex = st.sampled_from(["'^a'", "'b+$'", "'[0-9]{2}'", "'(x|y)?'"])
        kinds.append(st.builds("{} {}{} {}".format, name, negation, like, text))
        kinds.append(st.builds("{} {}rlike {}".format, name, negation, regex))
    return st.one_of(kinds)


def nested(inner):
    word = st.sampled_from([" and ", " or "])
    return st.one_of(
        inner.map("not ({})".format),
        st.builds("({}{}{})".format, inner, word, inner),
    )


filters = st.recursive(
    st.one_of(clauses(NUMBERS, number, False), clauses(TEXTS, text, True)), nested, max_leaves=4
)
order = st.builds(
    "{}{}".format, st.sampled_from(NUMBERS + TEXTS[:-1]), st.sampled_from(["", " asc", " DESC"])
)
schemathesis.openapi.format("everloop-filter", filters)
schemathesis.openapi.format("everloop-order", st.lists(order, min_size=1, max_size=3).map(", ".join))
