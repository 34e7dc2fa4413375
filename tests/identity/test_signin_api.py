"""The HTTP interface of signing in: what the browser is told, where it is sent, and what is on record by then."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatward.core.errors import ClientError, IdentityError, StoreError
from chatward.core.identity import Presented
from chatward.core.ports import Entry
from chatward.identity.backchannel import BackChannel, Revocations
from chatward.identity.oidc_login import Logins
from chatward.identity.person_sessions import PersonSessions
from chatward.identity.provider import providers
from chatward.identity.signin_api import BEGINNINGS, PROBLEMS, REFUSALS, Response, Shown, SignInApi
from chatward.ledger.events import encode
from chatward.settings import Oidc
from chatward.stores.database import Database
from tests.identity.headers import headers
from tests.simulators.idp import CLIENT, ISSUER, Clock, Idp

HERE = "https://chat.example"


class Records:
    """A ledger that checks entries as the real one does. ``broken``: nothing can be written."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.broken = False

    def append(self, entry: Entry) -> Awaitable[None]:
        async def written() -> None:
            if self.broken:
                raise StoreError("The record cannot be written.")
            encode(entry)
            self.entries.append(entry)

        return written()

    async def aclose(self) -> None: ...

    def told(self, event: str) -> list[dict[str, Any]]:
        return [dict(entry.fields) for entry in self.entries if entry.event == event]


class House:
    def __init__(self, *names: str, origin: str = HERE, secure: bool = True, **settings: Any) -> None:
        self.clock, self.idp, self.records = Clock(), Idp(), Records()
        self.database = Database(None)
        found = {
            name: Oidc(
                **({"issuer": ISSUER if name == "main" else f"https://{name}.example", "client_id": CLIENT} | settings)
            )
            for name in names or ("main",)
        }
        built = providers(found, self.idp, self.clock)
        revocations = Revocations(self.database, self.clock)
        self.sessions = PersonSessions(
            self.database, revocations.covers, secure=secure, origin=origin, clock=self.clock
        )
        self.logins = Logins(built, {}, self.database, revocations, self.clock)
        self.shown: list[Shown] = []
        channels = {name: BackChannel({name: one}, revocations) for name, one in built.items()}
        self.api = SignInApi(
            built, self.logins, self.sessions, channels, self.records, self._page,
            origin=origin, secure=secure, clock=self.clock,
        )  # fmt: skip
        self.cookies: dict[str, str] = {}

    def _page(self, shown: Shown) -> tuple[list[tuple[str, str]], bytes]:
        self.shown.append(shown)
        return [("content-type", "text/html")], b"page"

    async def ask(
        self, path: str, query: str = "", method: str = "GET", url: str = HERE, *said: tuple[str, str]
    ) -> Response:
        held = [("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))]
        presented = Presented(method, url + path, headers(*(held if self.cookies else []), *said))
        answer = await self.api.handle(presented, path, query, b"")
        for name, value in answer[1]:
            if name == "set-cookie":
                pair, _, rest = value.partition(";")
                key, _, text = pair.partition("=")
                self.cookies.pop(key, None)
                if "Max-Age=0" not in rest:
                    self.cookies[key] = text
        return answer

    async def sign_in(self, **claims: Any) -> Response:
        begun = there(await self.ask("/signin/main", "back=/chat"))
        query = urlencode(self.idp.authorize(begun, **claims))
        return await self.ask("/signin/main/callback", query)


def there(answer: Response) -> str:
    assert answer[0] == 303
    return dict(answer[1])["location"]


def cookies(answer: Response) -> list[str]:
    return [value for name, value in answer[1] if name == "set-cookie"]


async def test_the_address_to_come_back_to_is_the_configured_one_whatever_the_request_says() -> None:
    house = House()
    answer = await house.ask("/signin/main", "", "GET", "https://evil.example", ("x-forwarded-host", "evil.example"))
    asked = parse_qs(urlsplit(there(answer)).query)
    assert asked["redirect_uri"] == [f"{HERE}/signin/main/callback"]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://127.0.0.1:8787", True),
        ("http://localhost:8787", True),
        ("http://[::1]:8787", True),
        ("http://chat.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1@evil.example", False),
        ("http://", False),
    ],
)
async def test_without_one_only_this_machine_can_sign_in(url: str, good: bool) -> None:
    house = House(origin="", secure=False)
    answer = await house.ask("/signin/main", "", "GET", url)
    if good:
        assert parse_qs(urlsplit(there(answer)).query)["redirect_uri"] == [f"{url}/signin/main/callback"]
    else:
        assert there(answer) == "/signin?problem=login-unavailable"


async def test_cookies_are_bound_to_the_host_and_to_tls() -> None:
    house = House()
    begun = await house.ask("/signin/main")
    (first,) = cookies(begun)
    assert first.startswith("__Host-chatward-login=")
    assert first.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600")
    done = await house.sign_in(sid="s-1")
    session = next(one for one in cookies(done) if one.startswith("__Host-chatward-person="))
    assert session.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    assert next(one for one in cookies(done) if "login=;" in one).endswith("Max-Age=0")
    assert "__Host-chatward-login" not in house.cookies
    assert ("referrer-policy", "no-referrer") in done[1]
    assert ("cache-control", "no-store") in done[1]


async def test_one_provider_needs_no_choice_and_several_do() -> None:
    assert there(await House().ask("/signin", "back=/chat?x=1")) == "/signin/main?back=%2Fchat%3Fx%3D1"
    house = House("main", "other", title="Our <staff>")
    assert (await house.ask("/signin"))[0] == 200
    assert [name for _, name in house.shown[-1].providers] == ["Our <staff>", "Our <staff>"]
    alone = House()
    await alone.ask("/signin", "problem=login-denied")  # else it would go round for ever
    assert alone.shown[-1].problem == PROBLEMS["login-denied"]
    await alone.sign_in(name="Ada")
    await alone.ask("/signin")
    assert (alone.shown[-1].signed_in, alone.shown[-1].name) == (True, "Ada")


@given(st.text(max_size=40))
async def test_a_page_says_only_what_is_on_the_list(text: str) -> None:
    house = House("main", "other")
    await house.ask("/signin", urlencode({"problem": text}))
    assert house.shown[-1].problem in {"", *PROBLEMS.values()}


async def test_a_session_is_on_record_before_its_cookie_leaves() -> None:
    house = House()
    begun = there(await house.ask("/signin/main"))
    query = urlencode(house.idp.authorize(begun))
    house.records.broken = True
    with pytest.raises(StoreError):
        await house.ask("/signin/main/callback", query)
    assert house.database.rows("SELECT * FROM person_sessions") == []
    house.records.broken = False
    await house.sign_in(sid="s-1", name="Ada Lovelace", amr=["pwd", "mfa"])
    (opened,) = house.records.told("person:session:opened")
    assert (opened["provider"], opened["assurance"]) == ("main", 2)
    assert "Ada" not in repr(house.records.entries)


async def test_refusals_are_on_record_but_do_not_fill_it() -> None:
    house = House()
    for _ in range(3 * REFUSALS):
        assert there(await house.ask("/signin/main/callback", "state=x&code=y")) == "/signin?problem=login-invalid"
    assert REFUSALS <= len(house.records.told("person:session:refused")) <= 2 * REFUSALS
    assert house.records.told("person:session:refused")[0] == {"reason": "login-invalid"}


async def test_one_address_cannot_push_everybody_elses_attempts_out() -> None:
    house = House()
    got = [there(await house.ask("/signin/main")) for _ in range(BEGINNINGS + 1)]
    assert got[-1] == "/signin?problem=too-many-attempts"
    assert all(one.startswith(ISSUER) for one in got[:-1])
    assert len(house.database.rows("SELECT * FROM oidc_logins")) == BEGINNINGS


async def test_the_way_out_ends_the_session_first_and_leads_to_the_provider() -> None:
    house = House()
    house.idp.metadata = {"end_session_endpoint": f"{ISSUER}/logout?theme=dark"}
    await house.sign_in()
    assert len(house.cookies) == 1
    answer = await house.ask("/signout", "", "POST", HERE, ("origin", HERE))
    where = urlsplit(there(answer))
    assert parse_qs(where.query) == {
        "theme": ["dark"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{HERE}/signout"],
    }
    assert house.cookies == {}
    assert house.database.rows("SELECT * FROM person_sessions") == []
    assert len(house.records.told("person:session:closed")) == 1


@pytest.mark.parametrize("end", [None, ""])
async def test_without_an_address_for_it_the_way_out_ends_here(end: str | None) -> None:
    house = House()
    house.idp.metadata = {"end_session_endpoint": end}
    await house.sign_in()
    assert there(await house.ask("/signout", "", "POST", HERE, ("origin", HERE))) == "/signout"
    await house.ask("/signout")
    assert house.shown[-1].out


async def test_an_unsafe_address_for_it_makes_the_provider_unusable() -> None:
    house = House()
    house.idp.metadata = {"end_session_endpoint": "javascript:alert(1)"}
    assert there(await house.ask("/signin/main")) == "/signin?problem=identity-provider-unavailable"


async def test_while_the_provider_is_down_people_can_sign_out_here() -> None:
    house = House(keys_fresh=1.0, keys_stale=0.0)
    await house.sign_in()
    house.idp.down, house.clock.now = True, house.clock.now + 100
    assert there(await house.ask("/signout", "", "POST", HERE, ("origin", HERE))) == "/signout"
    assert house.database.rows("SELECT * FROM person_sessions") == []


async def test_signing_out_is_asked_for_by_our_own_page() -> None:
    house = House()
    await house.sign_in()
    for said in ([], [("origin", "null")], [("origin", HERE), ("sec-fetch-site", "same-site")]):
        with pytest.raises(IdentityError) as caught:
            await house.ask("/signout", "", "POST", HERE, *said)
        assert (caught.value.status, caught.value.reason) == (403, "cross-site")
    assert len(house.database.rows("SELECT * FROM person_sessions")) == 1


async def test_looking_at_the_way_out_signs_nobody_out() -> None:
    house = House()
    await house.sign_in()
    assert (await house.ask("/signout"))[0] == 200
    assert house.shown[-1].signed_in
    assert len(house.database.rows("SELECT * FROM person_sessions")) == 1


async def test_what_was_asked_twice_counts_for_nothing() -> None:
    house = House()
    assert there(await house.ask("/signin", "back=/a&back=/b")) == "/signin/main?back=%2Fchat"
    begun = there(await house.ask("/signin/main"))
    query = urlencode([*house.idp.authorize(begun), ("code", "other")])
    assert there(await house.ask("/signin/main/callback", query)) == "/signin?problem=login-invalid"


async def test_a_query_that_nobody_needs_is_refused() -> None:
    with pytest.raises(ClientError):
        await House().ask("/signin/main/callback", "&".join(f"a{n}=1" for n in range(40)))


async def test_an_address_of_one_provider_takes_no_answer_of_another() -> None:
    house = House("main", "other")
    begun = there(await house.ask("/signin/main"))
    query = urlencode(house.idp.authorize(begun))
    assert there(await house.ask("/signin/other/callback", query)) == "/signin?problem=login-invalid"
    assert not house.idp.token_requests
