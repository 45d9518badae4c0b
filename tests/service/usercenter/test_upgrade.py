"""What 0002 makes of the accounts that are there."""

import secrets

import psycopg
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from servicekit import migrate


def to(url, revision):
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    with engine.connect() as connection:
        configuration = migrate.configuration("usercenter", connection)
        (command.downgrade if revision == "0001" and _has_proof(url) else command.upgrade)(configuration, revision)


def _has_proof(url):
    with psycopg.connect(url) as connection:
        return connection.execute("select to_regclass('mobile_code')").fetchone() != (None,)


def test_a_password_older_than_wechats_proof_is_void_and_the_others_stay(postgres):
    url = postgres.create(f"usercenter_upgrade_{secrets.token_hex(4)}")
    to(url, "0001")
    with psycopg.connect(url, autocommit=True) as sql:
        sql.execute("""insert into "user" (id, mobile, nickname, password_hash, roles) values
            (1, '13800000001', 'seed', 'h', '{buyer}'), (2001, '13800002001', 'both', 'h', '{buyer}'),
            (2002, '13800002002', 'wechat', null, '{buyer}'), (2003, '13800002003', 'password', 'h', '{buyer,merchant}')""")
        sql.execute("""insert into user_auth (user_id, auth_type, auth_key) values
            (1, 'wxMini', 'o1'), (2001, 'wxMini', 'o2001'), (2001, 'system', '13800002001'), (2002, 'wxMini', 'o2002'),
            (2003, 'system', '13800002003')""")
    migrate.upgrade("usercenter", url)
    with psycopg.connect(url) as sql:
        query = """select id, mobile_proven_by, password_hash, token_generation, tokens_voided_at is null from "user"
            order by id"""
        assert sql.execute(query).fetchall() == [
            (1, "wechat", "h", 0, True),
            (2001, "wechat", None, 1, False),
            (2002, "wechat", None, 0, True),
            (2003, None, "h", 0, True),
        ]
        assert sql.execute("select act, subject from operator_act").fetchall() == [("password-void", "user:2001")]
    to(url, "0001")
    migrate.upgrade("usercenter", url)
