"""The chain of hashes over operators' acts: each row holds SHA-256(hash of the row before, this row).

PostgreSQL writes it (a trigger, so that no writer can forget or choose it), Python verifies it. What is hashed is therefore
told twice, in CREATE and in `digest`; a test compares them. Stored hashes depend on both: they are never changed.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import DDL, Connection, RowMapping, text

BEGINNING = bytes(32)
"""The hash before the first row."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CREATE = (
    """
create function operator_act_field(value text) returns bytea language sql immutable as $$
  select convert_to(coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value || ',', '~'), 'UTF8')
$$""",
    """
create function operator_act_hash(previous bytea, act operator_act) returns bytea language sql immutable
set search_path = public, pg_temp as $$
  select sha256(previous || operator_act_field(act.seq::text) || operator_act_field(act.id::text)
    || operator_act_field(act.operator_id::text) || operator_act_field(act.act) || operator_act_field(act.subject)
    || operator_act_field(act.note) || operator_act_field(trunc(extract(epoch from act.acted_at) * 1000000)::text))
$$""",
    # Of its owner's rights: the service itself may not write the head. Two writers meet on the head's row.
    """
create function chain_operator_act() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
  last_seq bigint;
  last_hash bytea;
begin
  insert into operator_act_head (id, seq, hash) values (1, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
  select seq, hash into strict last_seq, last_hash from operator_act_head for update;
  new.seq = last_seq + 1;
  new.hash = operator_act_hash(last_hash, new);
  update operator_act_head set seq = new.seq, hash = new.hash;
  return new;
end $$""",
    """
create trigger chained before insert on operator_act for each row execute function chain_operator_act()""",
)
_REMOVE = (
    "drop trigger chained on operator_act",
    "drop function chain_operator_act()",
    "drop function operator_act_hash(bytea, operator_act)",
    "drop function operator_act_field(text)",
)

_HEAD = """
create table operator_act_head (
  id smallint not null, seq bigint not null, hash bytea not null,
  constraint pk_operator_act_head primary key (id), constraint ck_operator_act_head_one check (id = 1)
)"""
_CHAIN_EXISTING = """
do $$
declare
  one operator_act;
  last_seq bigint = 0;
  last_hash bytea = decode(repeat('00', 32), 'hex');
begin
  for one in select * from operator_act order by id loop
    one.seq = last_seq + 1;
    one.hash = operator_act_hash(last_hash, one);
    update operator_act set seq = one.seq, hash = one.hash where id = one.id;
    last_seq = one.seq;
    last_hash = one.hash;
  end loop;
  if last_seq > 0 then
    insert into operator_act_head (id, seq, hash) values (1, last_seq, last_hash);
  end if;
end $$"""
_NOT_EMPTIED = "create trigger not_emptied before truncate on operator_act execute function {refuse}()"


def ddl(statement: str) -> DDL:
    """For metadata that makes its tables itself, as tests do; migrations take `upgrade`."""
    return DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]  # SQLAlchemy types no constructor here


def upgrade(connection: Connection, *, refuse: str) -> None:
    """Chain the acts there are, in the order of their ids, and all that come. `refuse` is the service's function that its
    trigger `append_only` calls. Runs in the migration's transaction: no act is written meanwhile."""
    statements = (
        _HEAD,
        "alter table operator_act add column seq bigint, add column hash bytea",
        *CREATE,
        "alter table operator_act disable trigger append_only",
        _CHAIN_EXISTING,
        "alter table operator_act enable trigger append_only",
        "alter table operator_act alter column seq set not null, alter column hash set not null",
        "alter table operator_act add constraint uq_operator_act_seq unique (seq)",
        _NOT_EMPTIED.format(refuse=refuse),
    )
    for statement in statements:
        connection.execute(text(statement))


def downgrade(connection: Connection) -> None:
    statements = (
        "drop trigger not_emptied on operator_act",
        *_REMOVE,
        "alter table operator_act drop column seq, drop column hash",
        "drop table operator_act_head",
    )
    for statement in statements:
        connection.execute(text(statement))


def digest(previous: bytes, act: Mapping[str, Any] | RowMapping) -> bytes:
    """The hash of a row of operator_act after a row with the hash `previous`: over netstrings of its columns, `~` for
    null; the time in microseconds since 1970 UTC."""
    micros = (act["acted_at"] - _EPOCH) // timedelta(microseconds=1)
    columns = (act["seq"], act["id"], act["operator_id"], act["act"], act["subject"], act["note"], micros)
    return hashlib.sha256(previous + b"".join(map(_field, columns))).digest()


def _field(value: object) -> bytes:
    if value is None:
        return b"~"
    encoded = str(value).encode()
    return b"%d:%s," % (len(encoded), encoded)
