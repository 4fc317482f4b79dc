"""How does PostgreSQL keep tenants apart, should a query forget to? By row-level security on every owned table.

What a request asks is asked as a role that owns nothing and for one tenant: both are said with `SET LOCAL` in front of
each statement, in the same round trip, so that no pool of connections can mix them up. Workers, the scheduler and
commands ask as the role that they signed in with, whose policy shows everything. SQLite has nothing of the kind.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tenants.isolation import EVERYBODY, speaking_for

ROLE = "darkroom_tenant"
SETTING = "darkroom.tenant"
MINE = f"(SELECT current_setting('{SETTING}', true))"
# About transactions, not rows; and in a transaction that has failed, nothing may be said before ROLLBACK TO.
OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")

CREATE_ROLE = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
    BEGIN
      CREATE ROLE {ROLE} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was faster
    END;
  END IF;
  IF NOT pg_has_role(CURRENT_USER, '{ROLE}', 'MEMBER') THEN
    GRANT {ROLE} TO CURRENT_USER;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'Let a superuser run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO %;', CURRENT_USER;
END $$
"""
GRANTS = f"""
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
"""
SECURED = """
SELECT relname FROM pg_class
WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = 'public'::regnamespace
"""


def confine(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """Let no statement on this new connection see more than whom it speaks for."""
    if connection.vendor == "postgresql" and _as_told not in connection.execute_wrappers:
        connection.execute_wrappers.append(_as_told)


def _as_told(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    whom, connection = speaking_for(), context["connection"]
    if (whom == EVERYBODY and not connection.in_atomic_block) or sql.startswith(OF_TRANSACTIONS):
        return execute(sql, params, many, context)
    if many:
        with transaction.atomic(using=connection.alias):
            execute(_prefix(whom), None, False, context)
            return execute(sql, params, many, context)
    result = execute(_prefix(whom) + sql, params, many, context)
    while context["cursor"].nextset():  # past what SET answers
        pass
    return result


def _prefix(whom: str) -> str:
    role = "NONE" if whom == EVERYBODY else ROLE
    return f"SET LOCAL ROLE {role}; SET LOCAL {SETTING} = '{whom}'; "


def secure(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Give every owned table its policies, after migrations; what has them already costs one query."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        cursor.execute(SECURED)
        secured = {name for (name,) in cursor.fetchall()}
        unsecured = [(model, rule) for model, rule in owned_models() if model._meta.db_table not in secured]
        if not unsecured:
            return
        cursor.execute(CREATE_ROLE)
        cursor.execute(GRANTS)
        for model, (visible, own) in unsecured:
            for statement in _policies(model._meta.db_table, visible, own):
                cursor.execute(statement)


def _policies(table: str, visible: str, own: str) -> Iterator[str]:
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY everything ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)"
    yield f"CREATE POLICY looked_at ON {table} FOR SELECT TO {ROLE} USING ({visible})"
    yield f"CREATE POLICY added ON {table} FOR INSERT TO {ROLE} WITH CHECK ({own})"
    yield f"CREATE POLICY changed ON {table} FOR UPDATE TO {ROLE} USING ({own}) WITH CHECK ({own})"
    yield f"CREATE POLICY removed ON {table} FOR DELETE TO {ROLE} USING ({own})"


def owned_models() -> Iterator[tuple[type[models.Model], tuple[str, str]]]:
    """Yield each model whose rows are tenants', with the SQL for which rows a tenant may see, and which are its own."""
    for model in apps.get_models():
        if not model._meta.managed or model._meta.proxy:
            continue
        if rule := _rule(model):
            yield model, rule


def _rule(model: type[models.Model]) -> tuple[str, str] | None:
    """Return the two conditions, None for a model that is nobody's: through its tenant, or through what it is of."""
    if model._meta.label == "tenants.Tenant":
        return f"id = {MINE}", f"id = {MINE}"
    fields = {field.name: field for field in model._meta.concrete_fields}
    if "tenant" in fields:
        own = f"tenant_id = {MINE}"
        # Without a tenant, a LoRA is the operator's for all; what is noted of somebody without one is not.
        shared = getattr(model, "shared_without_tenant", False)
        return (f"tenant_id IS NULL OR {own}" if shared else own), own
    if owner := getattr(model, "owned_through", None):
        return _through(model, fields[owner])
    return None


def _through(model: type[models.Model], owner: Any) -> tuple[str, str]:
    """Return the two conditions for rows that are whose their owner is; its own policies say who sees that."""
    table, column, owners = model._meta.db_table, owner.column, owner.related_model._meta.db_table
    found = f"SELECT 1 FROM {owners} o WHERE o.id = {table}.{column}"  # noqa: S608 - names of our own models
    return f"EXISTS ({found})", f"EXISTS ({found} AND o.tenant_id = {MINE})"
