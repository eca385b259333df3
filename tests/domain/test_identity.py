"""Who may do what."""

import pytest

from orbiter.domain.identity import Permission, Role, Scope, permissions_of


def test_a_viewer_changes_nothing_but_the_own_account() -> None:
    changing = {one for one in permissions_of(Role.VIEWER) if not one.reads}
    assert changing == {Permission.ACCOUNT_WRITE}


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
