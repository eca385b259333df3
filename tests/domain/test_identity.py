"""Who may do what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orbiter.domain.identity import Permission, Role, Scope, permissions_of

scope_sets = st.frozensets(st.sampled_from(Scope))


def test_a_viewer_changes_nothing_but_what_is_the_own() -> None:
    changing = {one for one in permissions_of(Role.VIEWER) if not one.reads}
    assert changing == {Permission.ACCOUNT_WRITE, Permission.NOTIFICATIONS_WRITE}


def test_a_developer_does_everything_but_what_is_the_admins() -> None:
    withheld = frozenset(Permission) - permissions_of(Role.DEVELOPER)
    assert withheld == {
        Permission.API_KEYS_MANAGE,
        Permission.AUDIT_READ,
        Permission.MEMBERS_WRITE,
        Permission.PROVIDERS_WRITE,
    }


def test_an_admin_does_everything() -> None:
    assert permissions_of(Role.ADMIN) == frozenset(Permission)


def test_each_role_holds_what_the_one_before_it_holds() -> None:
    viewer, developer, admin = (permissions_of(role) for role in Role)
    assert viewer < developer < admin


@pytest.mark.parametrize("role", Role)
def test_a_default_key_opens_the_ci_routes_alone(role: Role) -> None:
    opened = permissions_of(role, [Scope.CI])
    assert all(permission.value.startswith("ci:") for permission in opened)


@pytest.mark.parametrize("role", Role)
def test_all_scopes_together_give_no_more_than_the_role(role: Role) -> None:
    assert permissions_of(role, Scope) == permissions_of(role)


@pytest.mark.parametrize("role", Role)
def test_a_key_without_scopes_opens_nothing(role: Role) -> None:
    assert permissions_of(role, []) == frozenset()


@given(st.sampled_from(Role), scope_sets, scope_sets)
def test_scopes_add_up_and_overlap_nowhere(
    role: Role, some: frozenset[Scope], others: frozenset[Scope]
) -> None:
    both = permissions_of(role, some) | permissions_of(role, others)
    assert permissions_of(role, some | others) == both
    shared = permissions_of(role, some) & permissions_of(role, others)
    assert permissions_of(role, some & others) == shared


@pytest.mark.parametrize(
    ("permission", "verb", "noun"),
    [
        (Permission.PROJECTS_READ, "read", "project"),
        (Permission.WORKFLOWS_RUN, "run", "workflow"),
        (Permission.API_KEYS_WRITE, "write", "api_key"),
        (Permission.API_KEYS_MANAGE, "write", "api_key"),
        (Permission.AUDIT_READ, "read", "audit_log"),
    ],
)
def test_a_permission_is_one_verb_on_one_kind_of_thing(
    permission: Permission, verb: str, noun: str
) -> None:
    assert (permission.verb, permission.noun) == (verb, noun)
