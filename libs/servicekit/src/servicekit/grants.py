"""What a service's own role may do in its database: work with rows. The owner grants it after each migration.

Not the owner of its tables, the role can neither change them nor switch their triggers off (docs/decisions/0035).
"""

from psycopg import sql
from sqlalchemy import Connection, text

APPEND_ONLY = "append_only"
"""The trigger that marks a table whose rows are written once: the role may read it and add to it."""
VERSIONS = "alembic_version"
CHAIN_HEAD = "operator_act_head"
"""The end of the chain over operators' acts: its trigger writes it, with the owner's rights."""

_TABLES = text("""
select t.relname, exists (select from pg_trigger g where g.tgrelid = t.oid and g.tgname = :append_only)
  from pg_class t where t.relkind in ('r', 'p') and t.relnamespace = 'public'::regnamespace order by t.relname
""")


def grant(connection: Connection, role: str) -> None:
    """Give `role` the rights of a service, and take all others, in one transaction. A role that is the owner itself is left
    as it is: nothing can be taken from an owner for good. Raises ProgrammingError where there is no such role."""
    owner, database = connection.execute(text("select current_user, current_database()")).one()
    if role != owner:
        tables = connection.execute(_TABLES, {"append_only": APPEND_ONLY}).all()
        for statement in _statements(role, database, [(name, bool(append_only)) for name, append_only in tables]):
            connection.exec_driver_sql(statement.as_string())
    connection.commit()


def _statements(role: str, database: str, tables: list[tuple[str, bool]]) -> list[sql.Composed]:
    to, public = sql.Identifier(role), sql.Identifier("public")
    made = [
        # Temporary tables: payment compares a bill in one.
        sql.SQL("grant connect, temporary on database {} to {}").format(sql.Identifier(database), to),
        sql.SQL("revoke all on schema {} from {}").format(public, to),
        sql.SQL("grant usage on schema {} to {}").format(public, to),
        sql.SQL("revoke all on all tables in schema {} from {}").format(public, to),
        sql.SQL("revoke all on all sequences in schema {} from {}").format(public, to),
        # Update: seeds let the numbers of newcomers begin above theirs.
        sql.SQL("grant usage, select, update on all sequences in schema {} to {}").format(public, to),
    ]
    for name, append_only in tables:
        rights = sql.SQL(rights_on(name, append_only=append_only))
        made.append(sql.SQL("grant {} on {}.{} to {}").format(rights, public, sql.Identifier(name), to))
    return made


def rights_on(table: str, *, append_only: bool) -> str:
    if table in {VERSIONS, CHAIN_HEAD}:
        return "select"
    return "select, insert" if append_only else "select, insert, update, delete"
