"""The pictures of the README and of docs/: they exist, fetch nothing, and can be made again."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.site import ROOT, environment

PICTURES = ROOT / "docs" / "pictures"


def test_every_picture_is_shown_and_each_stands_alone() -> None:
    shown = set(re.findall(r"\(docs/pictures/([a-z]+\.svg)\)", (ROOT / "README.md").read_text("utf-8")))
    assert {"status.svg", "watch.svg", "preview.svg", "load.svg"} <= shown
    for page in (ROOT / "docs").glob("*.md"):
        shown |= set(re.findall(r"\(pictures/([a-z]+\.svg)\)", page.read_text("utf-8")))
    assert shown == {path.name for path in PICTURES.iterdir()}
    for name in shown:
        text = (PICTURES / name).read_text("utf-8")
        ElementTree.fromstring(text)
        assert set(re.findall(r"https?://[^\"' ]*", text)) <= {"http://www.w3.org/2000/svg"}, name
        assert "url(#" in text
        assert not re.search(r"@import|@font-face|href", text), name


@pytest.mark.slow
def test_they_are_what_csmsctl_shows_today(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "demo/pictures.py", str(tmp_path)], cwd=ROOT, check=True, env=environment())
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text("utf-8") for path in PICTURES.iterdir()}
    assert made == kept, "make pictures"
