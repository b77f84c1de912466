"""The page of the documentation about telemetry weight, measured again."""

import re
from pathlib import Path
from zlib import ZLIB_RUNTIME_VERSION

import pytest

from app.pages.weight import RECORDED, page
from ingest.frame import Frame
from ingest.recording import Reader
from shadow.weight import Scales

PAGE = Path(__file__).resolve().parents[3] / "docs/weight.md"
RECORDINGS = Path(__file__).resolve().parents[3] / "../shared/recordings"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in NUMBER.findall(text)]


def test_page_in_the_documentation_is_the_one_that_is_measured() -> None:
    """docs/weight.md is what `python -m app.pages.weight` measures now; another zlib packs a little differently."""
    written, now = PAGE.read_text(encoding="utf-8"), page()
    if f"zlib {ZLIB_RUNTIME_VERSION}." in written:
        assert written == now
        return
    assert NUMBER.sub("0", written.partition("zlib ")[0]) == NUMBER.sub("0", now.partition("zlib ")[0])
    after = [text.partition("zlib ")[2].partition("\n")[2] for text in (written, now)]
    for one, other in zip(*map(_numbers, after), strict=True):
        assert one == pytest.approx(other, rel=0.05, abs=0.03)


@pytest.mark.parametrize("name", RECORDED)
def test_recordings_weigh_what_the_page_says(name: str) -> None:
    """The figures about recordings, measured again where the recordings are, but for two of a hundred."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"{name} lies outside of the repository and is absent here")
    scales = Scales()
    with path.open("rb") as lines:
        for item in Reader().read(lines):
            assert isinstance(item, Frame)
            scales.feed(item)
    scales.end()
    account = scales.account()
    old, new = account.total("1.6"), account.total("2.0.1")
    measured = (old.messages, old.plain, old.deflated, new.messages, new.plain, new.deflated)
    assert RECORDED[name][1] == pytest.approx(measured, rel=0.02)
