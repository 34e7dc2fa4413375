"""The attacks on who somebody is, and the test that shows each one refused: so that none of them is lost."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[1]
TABLE: Final = {
    "alg none": ("identity/test_jose_classes.py", "test_alg_is_none"),
    "key confusion": ("identity/test_jose_classes.py", "test_rejects_symmetry_confusion"),
    "another signature scheme": ("identity/test_jose_classes.py", "test_wrong_primitive"),
    "embedded jwk": ("identity/test_jose_classes.py", "test_rejects_attacker_provided_embedded_jwk"),
    "kid injection": ("identity/test_jose.py", "test_headers_that_are_refused"),
    "every Wycheproof vector": ("identity/test_jose_vectors.py", "test_every_vector_is_judged_as_wycheproof_says"),
    "expired": ("identity/test_jose.py", "test_what_is_over_is_told_as_such"),
    "replayed DPoP": ("identity/test_dpop.py", "test_11_each_proof_once"),
    "replayed DPoP, another process": ("test_callers.py", "test_a_visitor_is_the_same_to_both"),
    "replayed DPoP, after a restart": (
        "identity/test_shared_proofs.py",
        "test_a_proof_is_good_once_over_all_processes_and_a_restart",
    ),
    "stolen widget token": ("identity/test_widget.py", "test_a_token_without_its_key"),
    "stolen widget token as a bearer": ("identity/test_widget.py", "test_a_token_as_a_plain_one"),
    "stolen widget token and proof": ("identity/test_widget.py", "test_a_token_and_a_proof_a_second_time"),
    "cross-origin, a widget's": ("identity/test_widget.py", "test_from_another_origin"),
    "cross-origin, the API": ("gateway/test_cross_origin.py", "test_our_own_pages_are_known_by_what_no_page_can_say"),
    "CSRF, operators": ("console/test_login.py", "test_another_page_does_nothing_in_an_operators_name"),
    "CSRF, log-in": ("console/test_login.py", "test_another_page_signs_nobody_in"),
    "CSRF, people": ("test_signing_in.py", "test_a_cookie_that_another_page_sends_is_refused"),
    "session fixation, operators": ("console/test_login.py", "test_a_session_cannot_be_fixed_beforehand"),
    "session fixation, people": ("test_signing_in.py", "test_a_session_cannot_be_fixed_beforehand"),
    "counter rollback": ("identity/test_passkeys.py", "test_a_counter_that_goes_back_suspends_the_passkey"),
    "counter rollback, a real browser": (
        "console/test_step_up_in_browser.py",
        "test_a_copied_passkey_with_an_old_counter_is_found_out",
    ),
    "missing UV, wrong origin": ("identity/test_passkeys.py", "test_attacks_on_an_assertion_are_refused"),
    "missing UV, a real browser": (
        "console/test_step_up_in_browser.py",
        "test_without_user_verification_nothing_is_proven",
    ),
    "replayed challenge": ("identity/test_challenges.py", "test_a_challenge_is_met_once_and_used_once"),
    "replayed challenge, two processes": ("identity/test_challenges.py", "test_of_two_processes_one_uses_it"),
    "changed arguments after approval": ("identity/test_access.py", "test_changed_arguments_are_worth_nothing"),
    "timing of key lookup": ("identity/test_key_authenticator.py", "test_unknown_ids_cost_the_same_work"),
    "enumeration of keys": (
        "identity/test_key_authenticator.py",
        "test_unknown_ids_wrong_secrets_and_slips_are_told_alike",
    ),
    "enumeration of users": (
        "console/test_login.py",
        "test_a_name_that_nobody_has_gets_the_same_answer_after_the_same_work",
    ),
    "enumeration of passkeys": ("identity/test_passkeys.py", "test_options_for_nobody_look_like_anybodys"),
    "brute force": ("identity/test_lockout.py", "test_a_hundred_at_once_are_a_hundred"),
    "locking others out": ("console/test_login.py", "test_guessing_is_slowed_down_and_locks_nobody_out"),
    "smuggled x-forwarded-*": ("gateway/test_proxies.py", "test_from_anybody_else_these_fields_mean_nothing"),
    "smuggled x-forwarded-*, doubled": ("gateway/test_proxies.py", "test_what_can_be_read_in_two_ways_is_refused"),
    "smuggled posture": ("gateway/test_proxies.py", "test_a_posture_that_can_be_read_in_two_ways_is_refused"),
    "two credentials": ("identity/test_key_authenticator.py", "test_two_credentials_are_refused"),
}


@pytest.mark.parametrize("attack", TABLE)
def test_every_attack_has_its_test(attack: str) -> None:
    file, name = TABLE[attack]
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {one.name for one in tree.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}
