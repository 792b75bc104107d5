"""The schema and the statements are said in PostgreSQL's words too."""

import pytest
from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.schema import CreateTable

from callcenter.storage import customers, decisions, flows, record_writer, routing_rules, tables
from callcenter.storage.columns import EPOCH
from callcenter.storage.upsert import insert_missing, upsert

pytestmark = pytest.mark.unit

POSTGRESQL: Dialect = make_url("postgresql+asyncpg://host/name").get_dialect()()
ALL = list(tables.metadata.tables.values())


@pytest.mark.parametrize("table", ALL, ids=lambda table: str(table.name))
def test_each_table_has_the_same_columns_on_both(table: Table) -> None:
    """Only types that both have: whole numbers, text, truth, JSON; no dates or decimals that one of them lacks."""
    for dialect in (POSTGRESQL, sqlite.dialect()):
        made = str(CreateTable(table).compile(dialect=dialect))
        kinds = {line.split()[1].rstrip(",") for line in made.splitlines()[2:] if line.startswith("\t")}
        assert kinds <= {
            "INTEGER",
            "BIGINT",
            "TEXT",
            "BOOLEAN",
            "JSON",
            "SERIAL",
            "PRIMARY",
            "FOREIGN",
            "UNIQUE",
        } | {line.split()[1] for line in made.splitlines() if line.startswith("\tCONSTRAINT")}


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_an_upsert_is_one_statement(name: str) -> None:
    """With a condition when there is one, and doing nothing when only the key is given."""
    dialect = POSTGRESQL if name == "postgresql" else sqlite.dialect()
    offers = tables.offers
    whole = upsert(name, offers, ("id",), ("id", "result"), only_if=lambda row: row["result"] != "")
    said = str(whole.compile(dialect=dialect)).replace("\n", " ")
    assert "ON CONFLICT (id) DO UPDATE SET result = excluded.result WHERE excluded.result !=" in said
    key_only = str(upsert(name, offers, ("id",), ("id",)).compile(dialect=dialect))
    assert key_only.endswith("ON CONFLICT (id) DO NOTHING")


def test_the_record_is_one_query_on_both() -> None:
    """Each part names its columns alike, and nothing in it is SQLite's own."""
    query = customers._RECORD
    said = str(query.statement.compile(dialect=POSTGRESQL))
    assert said.count("UNION ALL") == 8
    assert query.names == ["kind", "a", "b", "c", "d", "e", "f", "id", "at", "due", "n"]
    assert "CAST(customers.extra AS TEXT)" in said


def test_the_figures_of_a_flow_are_the_same_queries_on_both() -> None:
    """Counting a truth, grouping, and visits that are guests: nothing in it is SQLite's own."""
    for made in (flows.own_visits, flows.guest_visits, flows.node_figures):
        for dialect in (POSTGRESQL, sqlite.dialect()):
            said = str(made("main", EPOCH, EPOCH).compile(dialect=dialect)).replace("\n", " ")
            assert "CASE WHEN flow_visits.contained THEN" in said or made is flows.node_figures
            assert "flow_steps.flow = " in said or made is flows.own_visits


def test_decisions_and_published_rules_are_the_same_queries_on_both() -> None:
    """The latest decisions, the versions with the number of the latest: nothing in them is SQLite's own."""
    for dialect in (POSTGRESQL, sqlite.dialect()):
        latest = str(decisions.latest_decisions(50).compile(dialect=dialect)).replace("\n", " ")
        assert "ORDER BY offers.id DESC" in latest
        assert "late.decision !=" in latest
        versions = str(routing_rules.rows_of_versions().compile(dialect=dialect)).replace("\n", " ")
        assert "(SELECT max(routing_versions.version)" in versions


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_what_people_worked_on_is_not_overwritten(name: str) -> None:
    """A message that is there stays as it is; a callback's end and a later answer are kept by a condition."""
    dialect = POSTGRESQL if name == "postgresql" else sqlite.dialect()
    said = str(insert_missing(name, tables.voicemails, ("id",)).compile(dialect=dialect))
    assert said.endswith("ON CONFLICT (id) DO NOTHING")
    kept = upsert(
        name, tables.callbacks, ("id",), ("id", "state"), only_if=record_writer._callback_not_undone
    )
    assert "DO UPDATE SET state = excluded.state WHERE" in str(kept.compile(dialect=dialect))
    key = ("call_id", "survey", "question")
    answer = upsert(name, tables.survey_answers, key, (*key, "at"), only_if=record_writer._answer_newer)
    assert "WHERE excluded.at >= survey_answers.at" in str(answer.compile(dialect=dialect))
