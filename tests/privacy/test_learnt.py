"""Erasing a person takes their part in phishing drills away, and what a restored file brings back of it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chatward.core.identity import Assurance, Kind, Principal
from chatward.education.counting import TipCounts
from chatward.education.drills import DrillApi, person_of
from chatward.education.opening import counts_file
from chatward.privacy.learnt import learnt_of_people
from chatward.seal.receipt import digest
from chatward.settings import Education, LedgerSettings, Settings
from chatward.stores.database import Database

KEY = b"k" * 32
ANN = Principal("person:ann", Kind.PERSON, assurance=Assurance.SINGLE)
BEN = replace(ANN, id="person:ben")


def opted_in(api: DrillApi, who: Principal, body: Any = None) -> bool:
    headers: Any = {}
    answer = api.answer("POST" if body else "GET", "/v1/drills", headers, json.dumps(body).encode(), who)
    return bool(json.loads(answer[2])["opted_in"])


def test_an_erased_person_takes_no_part_in_drills(tmp_path: Path) -> None:
    settings = Settings(
        ledger=LedgerSettings(path=str(tmp_path / "chatward.db")), education=Education(drills=("intranet",))
    )
    (tmp_path / "chatward.db.key").write_bytes(KEY)
    erasures = [SimpleNamespace(tenant=ANN.tenant, subject=digest(ANN.tenant, ANN.id), begun=150.0)]
    register: Any = SimpleNamespace(erasures=lambda: erasures)
    now = 100.0
    with closing(Database(counts_file(settings))) as database:
        api = DrillApi(
            database, TipCounts(database), lambda entry: None, lambda path, model: model,
            secret=KEY, bots=("intranet",), every=1.0, clock=lambda: now,
        )  # fmt: skip
        for who in (ANN, BEN):
            assert opted_in(api, who, {"opt_in": True})
        with learnt_of_people(settings) as stores:
            (store,) = stores(register)
            assert store.name == "drills"
            assert store.erase_subject(ANN.tenant, ANN.id) == 1
            assert not opted_in(api, ANN)
            assert opted_in(api, BEN)
            digest_of_ann = person_of(KEY, ANN.tenant, ANN.id)
            assert all(digest_of_ann not in one.read_bytes() for one in tmp_path.glob("chatward-education.db*"))
            opted_in(api, ANN, {"opt_in": True})  # as a restored file has it: from before the erasure
            dead = lambda place, blob: True  # noqa: E731
            assert store.sweep(ANN.tenant, ANN.id, dead) == 1
            now = 200.0
            opted_in(api, ANN, {"opt_in": True})  # and of their own will, after it
            assert store.sweep(ANN.tenant, ANN.id, dead) == 0
            assert store.sweep(BEN.tenant, BEN.id, dead) == 0
            assert opted_in(api, ANN)


def test_nothing_is_made_where_there_are_no_drills(tmp_path: Path) -> None:
    settings = Settings(ledger=LedgerSettings(path=str(tmp_path / "chatward.db")))
    (tmp_path / "chatward.db.key").write_bytes(KEY)
    with learnt_of_people(settings) as stores:
        assert list(stores(SimpleNamespace())) == []  # type: ignore[arg-type]
    assert not counts_file(settings).exists()
