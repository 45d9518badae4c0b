"""Newest-first pages as SQL."""

from sqlalchemy import BigInteger, Column, MetaData, Table, select

from servicekit.paging import newest_first

rows = Table("row", MetaData(), Column("id", BigInteger, primary_key=True))


def sql(below):
    page = newest_first(select(rows.c.id), rows.c.id, below=below, limit=20)
    return " ".join(str(page.compile(compile_kwargs={"literal_binds": True})).replace('"', "").split())


def test_the_first_page_has_no_bound_and_the_next_ends_below_the_last_row():
    assert sql(0) == "SELECT row.id FROM row ORDER BY row.id DESC LIMIT 20"
    assert sql(7) == "SELECT row.id FROM row WHERE row.id < 7 ORDER BY row.id DESC LIMIT 20"
