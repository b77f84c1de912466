"""One content as Markdown, HTML and JSON; nothing of a charging station becomes part of the document's form."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from diff.audit import content
from diff.audit.audit import Audit, audit
from diff.audit.cohort import CohortAudit, cohort
from diff.audit.document import Facts, Mark, Picture, Sentence, Table, Tone, clean, mark, moment
from diff.audit.evidence import Evidence
from diff.audit.markdown import SIGNS
from diff.audit.statements import Verdict
from diff.audit.written import Form, told, written
from shadow.device_model.model import KeyFate
from tests.diff.audit.example import REQUIRED, device, example, seen, station
from tests.diff.audit.models import Wanted, entry, key, model

GOLDEN = Path(__file__).parent / "golden" / "station.md"
NASTY = "<script>alert(1)</script> | **b** [x](http://evil.example) `c` & \u202e\x00\n# no"


class Page(HTMLParser):
    """What a browser would make of it: tags, text, and whether every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "wbr", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def page(text: str) -> Page:
    """The page, read whole."""
    read = Page()
    read.feed(text)
    read.close()
    assert read.open == []
    return read


def nasty() -> Audit:
    """An audit whose station put markup into everything that it may name."""
    frames = station().boot(firmwareVersion=NASTY).call("DataTransfer", {"vendorId": NASTY, "messageId": NASTY})
    frames.answer({"status": "Accepted"})
    device_ = model([entry("A/B", NASTY, origin=NASTY, flaws=(NASTY,))], [key(NASTY, NASTY, KeyFate.UNMAPPED)])
    named = replace(device_, charger_id=NASTY, vendor=NASTY, model=NASTY, firmware=NASTY)
    return audit(named, seen(frames.frames), REQUIRED)


def test_the_golden_audit_of_a_small_station() -> None:
    """The Markdown of the scripted station is the one that was reviewed: see tests/diff/audit/example.py."""
    assert written([example()], "", Form.MARKDOWN) == GOLDEN.read_text(encoding="utf-8")


def test_all_cells_of_the_content_stand_in_both_texts() -> None:
    """Each sentence, fact and cell of the document is found in the HTML and, unescaped, in the Markdown."""
    document = told([example()], "")
    html = page(written([example()], "", Form.HTML)).text
    markdown = re.sub(r"\\(.)", r"\1", written([example()], "", Form.MARKDOWN))
    said: list[str] = []
    for section in document.sections:
        said.append(section.title)
        for part in section.parts:
            match part:
                case Sentence(text=text):
                    said.append(text)
                case Facts(rows=rows):
                    said += [word for row in rows for word in row]
                case Table(caption=caption, head=head, rows=table):
                    cells = [cell for row in table for cell in row]
                    said += [caption, *head]
                    said += [f"{SIGNS[c.tone]} {c.word}" if isinstance(c, Mark) else c for c in cells]
                case Picture():
                    pass
    assert len(said) > 300
    assert [text for text in said if text not in html] == []
    assert [text for text in said if text not in markdown] == []


def test_html_is_one_file_that_asks_for_nothing() -> None:
    """No script, no address outside, a policy that forbids both; every table has a caption and scopes."""
    text = written([example()], "", Form.HTML)
    read = page(text)
    names = [tag for tag, _ in read.tags]
    assert not {"script", "link", "img", "iframe", "object"}.intersection(names)
    outside = [value for _, attrs in read.tags for name, value in attrs.items() if name in ("src", "href")]
    assert all(value and value.startswith("#") for value in outside)
    assert not re.search(r"@import|url\(", text)
    policy = next(attrs["content"] for tag, attrs in read.tags if tag == "meta" and "http-equiv" in attrs)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert names.count("table") == names.count("caption") >= 8
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in read.tags if tag == "th")
    assert names.count("h1") == 1
    assert [name for name in names if name == "svg"] == ["svg"]
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_markup_of_a_charging_station_stays_text() -> None:
    """Tags, pipes, links, line breaks and marks that turn the direction of text do nothing in either form."""
    html = page(written([nasty()], "", Form.HTML))
    assert "script" not in [tag for tag, _ in html.tags]
    assert "<script>alert(1)</script>" in html.text
    markdown = written([nasty()], "", Form.MARKDOWN)
    assert "<script" not in markdown.replace("\\<", "")
    assert not re.search(r"(?<!\\)\]\(", markdown)
    assert not re.search(r"(?<!\\):(?=//)", markdown)
    for table in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table
    for text in (html.text, markdown):
        assert not re.search("[\u202e\x00]", text)


def test_secrets_have_no_value_in_any_form() -> None:
    """A secret is named as one, and shown without its value even where the device model holds one."""
    password = replace(entry("SecurityCtrlr/BasicAuthPassword", "5ec2e7"), mutability="WriteOnly")
    keys = [key("AuthorizationKey", "5ec2e7", KeyFate.SECRET)]
    wanted = [Wanted("SecurityCtrlr", "BasicAuthPassword")]
    one = audit(model([password], keys), Evidence(charger_id="CP1"), wanted)
    for form in Form:
        assert "5ec2e7" not in written([one], "", form)
    assert "(secret, never kept)" in written([one], "", Form.HTML)


def test_json_gives_back_the_audit() -> None:
    """What is written of one station reads as the same audit; of several as a cohort with its members."""
    one = example()
    read = msgspec.json.decode(written([one], "", Form.JSON), type=dict[str, Audit])
    assert read == {"audit": one}
    several = msgspec.json.decode(written([one, one], "twins", Form.JSON))
    assert msgspec.convert(several["cohort"], CohortAudit) == cohort("twins", [one, one])
    assert len(several["audits"]) == 2


def test_a_cohort_counts_its_members() -> None:
    """Blocks, lacking variables, security, work and the stations to keep are counted over three stations."""
    good, blind = example(), audit(model(charger_id="CP0", asked_all=False), Evidence(charger_id="CP0"), REQUIRED)
    slow = replace(good, charger_id="CP2", keep=good.readiness[:1])
    found = cohort("pilot", [slow, good, blind])
    assert [one.charger_id for one in found.stations] == ["CP0", "CP1", "CP2"]
    assert all(one.evidenced + one.derivable + one.missing + one.unknown == 3 for one in found.blocks)
    transactions = next(one for one in found.blocks if one.letter == "E")
    assert (transactions.evidenced, transactions.unknown, transactions.accepted) == (2, 1, 4)
    lacks = {one.name: one for one in found.required}
    assert (lacks["ClockCtrlr/DateTime"].missing, lacks["ClockCtrlr/DateTime"].of) == (3, 3)
    assert (lacks["TxCtrlr/TxStartPoint"].missing, lacks["TxCtrlr/TxStartPoint"].assumed) == (1, 2)
    # Its block is missing on two stations and unknown on the third: it applies to none, and none lacks it.
    assert "LocalAuthListCtrlr/Entries" not in lacks
    assert [one.missing for one in found.required] == sorted((one.missing for one in found.required), reverse=True)
    assert found.security == (("1", 2), ("unknown", 1))
    assert [one.charger_id for one in found.keep] == ["CP2"]
    assert found.unjudged == 1
    assert found.frames == 2 * good.evidence.frames
    by_name = {one.name: one for one in found.work}
    assert by_name["functional blocks that are missing"].of == 3 * 16
    for form in (Form.MARKDOWN, Form.HTML):
        assert "pilot" in written([slow, good, blind], "pilot", form)


def test_no_frames_and_no_model_give_a_whole_document_without_praise() -> None:
    """Of a station of which nothing is known every section says so; no good mark stands anywhere."""
    one = audit(model(asked_all=False, firmware=""), Evidence(charger_id="CP1"))
    document = content.document(one)
    marks = [c for s in document.sections for p in s.parts if isinstance(p, Table) for r in p.rows for c in r]
    assert {cell.tone for cell in marks if isinstance(cell, Mark)} == {Tone.OPEN}
    text = written([one], "", Form.MARKDOWN)
    assert "No required variables were looked for" in text
    assert "Nothing of its device model is known" in text
    assert "0 of 8 are within their thresholds; 8 of 8 measures are unknown" in text


@given(st.text(max_size=300))
def test_a_cleaned_text_is_one_line_of_bounded_length(text: str) -> None:
    """No control, no line break, no half of a character; long ones are cut and say how long they were."""
    shown = clean(text)
    assert len(shown) <= 200 + len("… (300 characters)")
    assert shown.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", shown)
    shown.encode()
    if len(text) > 200:
        assert shown.endswith(f"… ({len(text)} characters)")


@pytest.mark.parametrize(
    ("at", "said"), [(0, "unknown"), (1_893_499_200_000_000, "2030-01-01 12:00:00 UTC"), (10**30, f"{10**30} µs")]
)
def test_times_are_said_in_utc(at: int, said: str) -> None:
    """Unknown is said so, and no clock is too far out to be shown."""
    assert moment(at) == said
    assert mark(Verdict.MISSING) == Mark("missing", Tone.BAD)


def test_the_whole_device_model_may_be_empty_of_keys() -> None:
    """The example's keys are all in its table, unknown ones with their remark."""
    rows = next(
        p for s in told([example()], "").sections for p in s.parts if isinstance(p, Table) and p.head[0] == "Key"
    ).rows
    assert len(rows) == len(device().keys)
    assert [row[-1] for row in rows if row[0] == "WebSocketPingInterval"] == ["not known to the station"]
