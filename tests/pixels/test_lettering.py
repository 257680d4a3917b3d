"""Letters: our own font, deliberate stand-ins, and no trace in the user's environment."""

from __future__ import annotations

import os
import subprocess
import sys

from pisang.pixels.lettering import LONGEST, SYMBOLS, drawable, fit_size, letters, plain


def test_common_chinese_traditional_and_latin_letters_can_be_drawn() -> None:
    assert set("霓虹璀璨的赛博朋克城市，「繁體中文」 Ünïcödé №1 かな Привет") - {" "} <= drawable()


def test_characters_without_a_glyph_become_symbols_that_have_one() -> None:
    said = plain("한국 ok")
    assert set(said[:2]) <= set(SYMBOLS) <= drawable()
    assert said[2:] == " ok"


def test_long_text_ends_in_an_ellipsis() -> None:
    assert len(plain("长" * 500)) == LONGEST
    assert plain("长" * 500).endswith("…")


def test_every_sampled_glyph_leaves_ink() -> None:
    for letter in sorted(drawable() - {" ", "\u00a0", "\u3000", "\u00ad"})[::157]:
        assert letters(letter, 40).max() > 100, f"U+{ord(letter):04X}"


def test_markup_is_written_not_obeyed() -> None:
    assert letters("<b>a</b>", 30).width > letters("a", 30).width * 3


def test_longer_text_is_set_smaller_but_never_vanishes() -> None:
    sizes = [fit_size("长" * count, 1000, 60) for count in (1, 20, 60, 120, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 60
    assert sizes[-1] > 10


def test_setting_text_leaves_the_environment_and_the_error_stream_alone(tmp_path: object) -> None:
    program = (
        "import os; from pisang.pixels.lettering import letters;"
        "letters('字', 20); letters('字', 20); print(os.environ.get('FONTCONFIG_FILE'))"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=bare
    )
    assert done.stdout.strip() == "None"
    assert done.stderr == ""
