"""Text that is nearly JSON: each value as JSON spells it."""

import pytest

from csmsd.ocpp.mends import Hopeless, Mend
from csmsd.ocpp.spelling import MOST_MENDS, respelled


@pytest.mark.parametrize(
    ("text", "spelled", "needed"),
    [
        ('[{"a":1,"b":["x\\n",true,null,-1.5e3]}]', '[{"a":1,"b":["x\\n",true,null,-1.5e3]}]', []),
        ('{"a": ,"b":}', '{"a":null ,"b":null}', ["missing_value", "missing_value"]),
        ('[1,,2,]', '[1,2]', ["stray_comma", "stray_comma"]),
        ('[ ,1]', '[1]', ["stray_comma"]),
        ('{"a":[{,"b":1 , "c": ,}]}', '{"a":[{"b":1 , "c":null }]}', ["stray_comma", "missing_value", "stray_comma"]),
        ('["a""b",true{}[]]', '["a","b",true,{},[]]', ["missing_comma"] * 3),
        ('[+007,.5,5.]', '[7,0.5,5]', ["malformed_number"] * 3),
        ('{"a":1,5}', '{"a":1.5}', ["decimal_comma"]),
        ("{a:'it\\'s \"x\"',b:None}", '{"a":"it\'s \\"x\\"","b":null}',
         ["bare_word", "single_quotes", "bare_word", "bare_word"]),
        ('["C:\\dir"]', '["C:\\\\dir"]', ["bad_escape"]),
        ("[nan(ind),-inf]", "[null,null]", ["no_number", "no_number"]),
    ],
)  # fmt: skip
def test_each_value_is_spelled_as_json_has_it(text: str, spelled: str, needed: list[Mend]) -> None:
    mends: list[Mend] = []

    assert respelled(text, mends) == spelled
    assert mends == needed


def test_from_where_nothing_is_certain_the_text_is_left_as_it_is() -> None:
    for rest in (';{"b":,}', '"unfini', "'x"):
        assert respelled(f'{{"a":,{rest}', []) == f'{{"a":null,{rest}'
    assert respelled("[1,tru", []) == "[1,tru"


def test_a_word_that_means_nothing_is_hopeless_and_so_are_too_many_mends() -> None:
    with pytest.raises(Hopeless):
        respelled("[abc]", [])
    assert respelled("[" + "1,," * (MOST_MENDS - 1) + "1]", []) == "[" + "1," * (MOST_MENDS - 1) + "1]"
    with pytest.raises(Hopeless):
        respelled("[" + "1,," * MOST_MENDS + "1]", [])
