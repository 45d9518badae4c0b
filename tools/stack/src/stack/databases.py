"""Of each service a database, the role that owns it and migrates, and the role that works in it (decision 0035)."""

from stack.layout import Layout
from stack.vault import Vault


def owner_of(service: str) -> str:
    """The role that owns the service's database and migrates it; the database has its name."""
    return f"minsu_{service}"


def role_of(service: str) -> str:
    """The role that the service works as."""
    return f"minsu_{service}_service"


def own_database_url(layout: Layout, vault: Vault, service: str) -> str:
    return database_url(vault, service, role_of(service), f"127.0.0.1:{layout.port('postgres')}")


def own_owner_url(layout: Layout, vault: Vault, service: str) -> str:
    return database_url(vault, service, owner_of(service), f"127.0.0.1:{layout.port('postgres')}")


def database_url(vault: Vault, service: str, role: str, host: str) -> str:
    """Passwords are letters and digits: nothing to quote."""
    return f"postgresql://{role}:{vault.token(f'{role}-password')}@{host}/{owner_of(service)}"
