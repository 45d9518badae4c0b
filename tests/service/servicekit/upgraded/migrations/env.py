from sqlalchemy import MetaData

from servicekit.migrate import run_env

run_env(MetaData())
