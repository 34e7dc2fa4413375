"""Tables that are filtered, sorted and taken as files by their page's address."""

from __future__ import annotations

import csv
import io
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.console.tables import SHOWN, Column, Table
from chatward.core.errors import ClientError
from tests.console.conftest import GOOD

COLUMNS = (
    Column("name", "name"),
    Column("n", "messages", "number"),
    Column("state", "state", "tag", pick=True),
    Column("roles", "roles", "list", pick=True),
    Column("at", "time", "time"),
)
ROWS = [
    {"name": "ann", "n": 10, "state": "live", "roles": ["admin", "auditor"], "at": 0.0},
    {"name": "Bob", "n": 9, "state": "live", "roles": [], "at": None},
    {"name": "cid", "n": None, "state": "expired", "roles": ["admin"], "at": 1e18},
]
TABLE = Table("keys", "keys_title", COLUMNS, ROWS, "keys_none")


def names(**query: str) -> list[str]:
    return [row["name"] for row in TABLE.asked({key.replace("__", "."): value for key, value in query.items()}).rows]


def test_rows_are_filtered_by_words_and_choices() -> None:
    assert names() == ["ann", "Bob", "cid"]
    assert names(keys__q="LIVE bo") == ["Bob"]
    assert names(keys__q="1970-01-01") == ["ann"], "times by what files say of them"
    assert names(keys__state="live") == ["ann", "Bob"]
    assert names(keys__roles="admin", keys__state="expired") == ["cid"]
    assert names(keys__state="") == ["ann", "Bob", "cid"], "as a form sends what nobody chose"
    assert names(others__state="live") == ["ann", "Bob", "cid"]


def test_what_has_no_value_comes_last_either_way() -> None:
    assert names(keys__sort="n") == ["Bob", "ann", "cid"]
    assert names(keys__sort="-n") == ["ann", "Bob", "cid"]
    assert names(keys__sort="name") == ["ann", "Bob", "cid"]
    assert names(keys__sort="-at") == ["cid", "ann", "Bob"]


@pytest.mark.parametrize(
    "query", [{"keys.nothing": "x"}, {"keys.sort": "nothing"}, {"keys.name": "x"}, {"keys.q": "a" * 201}]
)
def test_what_a_filter_cannot_mean_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refused:
        TABLE.asked(query)
    assert refused.value.reason == "filter-invalid"


@given(st.dictionaries(st.sampled_from(["keys.q", "keys.state", "keys.sort", "other.q", "csv"]), st.text(max_size=9)))
def test_a_question_stands_whole_in_its_address(query: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    try:
        asked = TABLE.asked(query)
    except ClientError:
        return
    again = dict(parse_qsl(asked.query()))
    assert again == {key: value for key, value in query.items() if "." in key and value}
    assert TABLE.asked(again).rows == asked.rows


TABLES = {
    "/keys": {"keys"}, "/operators": {"operators"}, "/feeds": {"feeds"}, "/bots": {"bots", "keys"},
    "/health": {"guards", "weak"}, "/alerts": {"incidents", "alerts"}, "/ledger": {"points", "entries"},
    "/privacy": {"requests", "incidents"}, "/tools": {"tools"}, "/traffic": {"standings", "signals"},
    "/people": {"sessions", "passkeys", "users"}, "/tenants": {"tenants"},
}  # fmt: skip


async def test_every_table_of_every_page_is_filtered_sorted_and_taken_as_files(house, watch) -> None:
    """Whatever stands in a table of the pages stands in its files, and every column sorts."""
    it = house({"ann": ["admin"]}, watching=watch())
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    await browser.send_form("/keys", "/keys/issue", name="=1+1")
    filled = 0
    for path, ids in TABLES.items():
        page = await browser.get(path)
        for id in ids:
            as_json = (await browser.get(path, params={"json": id})).json()[id]
            as_csv = await browser.get(path, params={"csv": id})
            rows = list(csv.DictReader(io.StringIO(as_csv.text)))
            assert as_csv.headers["content-type"].startswith("text/csv")
            assert len(rows) == len(as_json)
            if not rows:
                continue
            filled += 1
            shown = unescape(page.text)
            for form in ("csv", "json"):
                assert f'href="{path}?{form}={id}"' in shown, (path, id)
            for name in as_json[0]:
                assert f'href="{path}?{id}.sort={name}"' in shown, (path, id, name)
                up = (await browser.get(path, params={"json": id, f"{id}.sort": name})).json()[id]
                assert sorted(map(str, up)) == sorted(map(str, as_json))
            assert f'name="{id}.q"' in shown
            none = (await browser.get(path, params={"json": id, f"{id}.q": "no row says this"})).json()[id]
            assert none == []
        assert (await browser.get(path, params={"csv": "nothing"})).status_code == 400
        refused = await browser.get(path, params={f"{next(iter(ids))}.sort": "<script>"})
        assert refused.status_code == 400
        assert "The filter cannot be read: sort." in refused.text
    assert filled >= 5
    formula = (await browser.get("/keys", params={"csv": "keys"})).text
    assert "'=1+1" in formula


async def test_a_page_shows_the_first_rows_and_files_have_all(house) -> None:
    """A page of a thousand rows would hold up what else the process does."""
    it = house({"ann": ["admin"]})
    for number in range(SHOWN + 5):
        it.desks.keys.create(f"till {number:03}")
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    page = await browser.get("/keys")
    assert f"The first {SHOWN} of {SHOWN + 5} rows" in page.text
    assert page.text.count('<th scope="row">') == SHOWN
    assert len((await browser.get("/keys?json=keys")).json()["keys"]) == SHOWN + 5


async def test_a_question_of_any_table_is_kept_by_name(house, watch) -> None:
    """With the table that it was asked of, for who asked, found by its name by whoever may see the page."""
    it = house({"ann": ["admin"], "bob": ["admin"], "eve": ["read-only"]}, watching=watch())
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    asked = {"page": "/ledger", "query": "entries.sort=-at", "name": "<b>old</b>"}
    plain = (await browser.get("/ledger")).text
    assert "/views/save" not in plain, "nothing was asked"
    assert plain.count('id="table-') == 2
    answer = await browser.send_form("/messages?action=block", "/views/save", **asked)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ledger?entries.sort=-at")
    page = (await browser.get("/ledger?entries.sort=-at")).text
    first, second = (page.index(f'id="table-{name}"') for name in ("points", "entries"))
    assert page.count('href="/ledger?entries.sort=-at"') == 1
    at = page.index("&lt;b&gt;old&lt;/b&gt;")
    assert (at > second > first) or (first > at > second)
    for name in ("bob", "eve"):
        other = it.browser()
        await other.sign_in(name, GOOD)
        assert "b&gt;old" not in (await other.get("/ledger")).text
    assert [one["address"] for one in (await browser.get("/api/v1/search?q=old")).json()["found"]] == [
        answer.headers["location"]
    ]
    await browser.send_form("/messages?action=block", "/views/delete", page="/ledger", name="<b>old</b>")
    assert "b&gt;old" not in (await browser.get("/ledger")).text


@pytest.mark.parametrize(
    "page", ["", "keys", "//elsewhere.example", "/\\elsewhere.example", "/nowhere", "/keys?x", "/login"]
)
async def test_what_is_no_page_of_tables_keeps_no_view(house, page) -> None:
    it = house({"ann": ["admin"]})
    browser = it.browser()
    await browser.sign_in("ann", GOOD)
    answer = await browser.send_form("/keys", "/views/save", page=page, query="", name="x")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "view-invalid")
    answer = await browser.send_form("/keys", "/views/delete", page=page, name="x")
    assert answer.headers["location"] == "/"
