"""What a split may be asked for, and how it is written."""

import pytest

from vosbench.datasets.generated.recipe import BASES, LEAD, Recipe, Script
from vosbench.errors import VosbenchError


def test_a_base_is_what_its_recipes_say() -> None:
    for base, recipes in BASES.items():
        script = Script.parse(base)
        assert (script.split, script.seed) == (base, 0)
        assert script.recipes == tuple(Recipe(**recipe) for recipe in recipes)
    assert sum(recipe.length for recipe in Script.parse("val").recipes) <= 320


def test_strengths_replace_those_of_a_base_and_clips_go_round_its_recipes() -> None:
    script = Script.parse("val,clips=8,length=60,seed=3")
    assert (script.split, script.seed, len(script.recipes)) == ("val,length=60,clips=8,seed=3", 3, 8)
    assert {recipe.length for recipe in script.recipes} == {60}
    assert script.recipes[6] == script.recipes[0] != script.recipes[1]


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("length=120,occlusion=20", "occlusion=20,length=120", "length=120,occlusion=20"),
        ("speed=0.10", "speed=.1", "speed=0.1"),
        ("occlusion=5,clips=6,seed=0", "occlusion=5", "occlusion=5"),
        ("seed=2147483647", "seed=2147483647", "seed=2147483647"),
    ],
)
def test_a_split_has_one_name(one: str, other: str, name: str) -> None:
    assert Script.parse(one) == Script.parse(other)
    assert Script.parse(one).split == name
    assert Script.parse(name) == Script.parse(one)


def test_a_clip_of_a_sweep_grows_to_hold_its_events_unless_its_length_is_given() -> None:
    assert {recipe.length for recipe in Script.parse("occlusion=5").recipes} == {48}
    assert {recipe.length for recipe in Script.parse("occlusion=80").recipes} == {80 + 2 * LEAD}
    both = Script.parse("occlusion=80,outside=9,appear=7").recipes[0]
    assert both.length == 80 + 9 + 4 * LEAD + 7 + LEAD
    assert {recipe.length for recipe in Script.parse("occlusion=80,length=200").recipes} == {200}


@pytest.mark.parametrize(
    ("split", "message", "hint"),
    [
        ("occlusoin=20", "unknown attribute 'occlusoin'", "did you mean occlusion"),
        ("valid", "unknown split 'valid'", "did you mean val?; or an attribute with its strength"),
        ("", "unknown split ''", "known: long, val"),
        ("val,long", "unknown attribute 'long'", "did you mean length"),
        ("train", "a stream without an end", "vosbench train"),
        ("occlusion=", "occlusion must be a whole number, not ''", "occlusion=0"),
        ("occlusion=2.5", "occlusion must be a whole number, not '2.5'", "occlusion=0"),
        ("speed=fast", "speed must be a number, not 'fast'", "speed=0.006"),
        ("occlusion=-1", "occlusion=-1 is out of range: it is 0 to 2000 frames", "each object is hidden in full"),
        ("speed=nan", "speed=nan is out of range", "shorter sides per frame"),
        ("blur=inf", "blur=inf is out of range: it is 0 to 1", "shutter"),
        ("length=19", "length=19 is out of range: it is 20 to 10000", "frames"),
        ("clips=0", "clips=0 is out of range: it is 1 to 1000", "clips"),
        ("seed=-1", "seed=-1 is out of range", "seed"),
        ("speed=0.1,speed=0.2", "speed is given twice", "one strength"),
        ("occlusion=20,length=40", "takes 44 frames and does not fit into length=40", "length=44 or more"),
        ("val,outside=60", "does not fit into length=48", "or more"),
        ("occlusion=20,period=30", "takes 44 frames and does not fit into period=30", "period=44 or more"),
    ],
)
def test_what_cannot_be_had_is_one_line(split: str, message: str, hint: str) -> None:
    with pytest.raises(VosbenchError) as caught:
        Script.parse(split)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
