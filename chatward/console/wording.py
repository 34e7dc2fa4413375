"""What pages say, in one place: another language is another catalog with the same keys.

The names of rules, events, settings and roles are the same in every language: they are what is typed and looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chatward.console.wording_assurance import ASSURANCE
from chatward.console.wording_german import GERMAN
from chatward.console.wording_places import PLACES
from chatward.console.wording_watching import WATCHING

_SIGNING_IN: Final = {
    "name": "User name",
    "password": "Password",
    "code": "One-time code",
    "code_hint": "Six digits, if you have set up one-time codes.",
    "password_hint": "Twelve characters or more. A few words that belong to nobody are good.",
    "again": "Password, once more",
    "different": "The two passwords are not the same.",
    "sign_in": "Sign in",
    "sign_in_title": "Sign in to the console",
    "sign_out": "Sign out",
    "signed_out": "You are signed out.",
    "signed_in": "You are signed in.",
    "go_on": "Go on",
    "welcome_done": "Your account is there. Sign in.",
    "no_operator": "There is no operator yet. `chatward serve` prints a link for the first one when it starts. Until "
    "then the console is open to whoever is on this machine, unless API keys are set.",
    "welcome_title": "The first admin",
    "welcome_text": "This link makes the first account, which may do everything. It works once.",
    "create": "Create the account",
    "account_title": "Your account",
    "console": "Console",
    "roles": "Roles",
    "emergency": "This is an account for emergencies. Its use is on record, and another operator must review it.",
    "new_password": "New password",
    "old_password": "Present password",
    "change_password": "Change the password",
    "password_changed": "The password is changed. All your other sessions have ended.",
    "codes_title": "One-time codes",
    "codes_off": "Signing in takes your password alone. One-time codes of an app make it two factors.",
    "codes_on": "Signing in takes your password and a one-time code.",
    "codes_needed": "A second factor is needed here: set up one-time codes or a passkey, and sign in with it.",
    "codes_none": "One-time codes are not available in this installation.",
    "codes_begin": "Set up one-time codes",
    "codes_renew": "Set up anew",
    "codes_present": "A code of the present app",
    "codes_uri": "Give this address to your app, or type the part after `secret=` into it. It is shown once.",
    "codes_confirm": "Confirm",
    "codes_first": "The code that the app shows",
    "codes_done": "One-time codes are set up.",
    "passkeys_title": "Passkeys",
    "passkeys_text": "A passkey signs you in with your finger, your face or a PIN, which never leave your device. It "
    "counts as two factors.",
    "passkey_in": "Sign in with a passkey",
    "passkey_add": "Add a passkey",
    "passkey_lift": "Prove with a passkey now",
    "passkey_remove": "Take away",
    "passkey_made": "Since (UTC)",
    "passkey_used": "Last used (UTC)",
    "passkey_unused": "never",
    "passkey_kind": "Kept",
    "passkey_synced": "in several devices",
    "passkey_device": "in one device",
    "passkey_suspended": "suspended: two copies were seen",
    "passkey_failed": "That did not work. Try again, or use another way.",
    "passkey_proof_needed": "Prove first who you are.",
    "passkey_elsewhere": "Passkeys work where this console is asked for by its own name:",
    "sessions_title": "Sessions",
    "session_opened": "Since (UTC)",
    "session_seen": "Last seen (UTC)",
    "session_agent": "Browser",
    "session_this": "this one",
    "session_end": "End",
    "session_end_all": "End all others",
    "session_ended": "Ended.",
    "reviews_title": "Uses of accounts for emergencies",
    "reviews_text": "Look at what was done in the record, then say that you have reviewed it. Until then the account "
    "cannot be used again.",
    "review": "I have reviewed this",
    "reviewed": "Reviewed.",
    "link_bad": "This link is not good, or not any more. While there is no admin, a restart of `chatward serve` prints "
    "a new one.",
    "link_bad_title": "No account here",
    "pages": "Pages",
    "open_title": "This console stands open.",
    "open_console": "Who can reach it on this machine sees this page without signing in. "
    "Make the first admin by the link that `chatward serve` prints when it starts.",
    "invited_title": "A new account",
    "invited_text": "This link makes an account with these roles. It works once.",
    "approvals_title": "Approvals",
    "approvals_none": "No tool call waits for a decision.",
    "approvals_text": "Each of these tool calls waits for another person's consent, for exactly this call, once. "
    "Personal data and secrets are masked.",
    "approval_call": "Tool call",
    "approval_who": "Asked by",
    "approval_bot": "Bot",
    "approval_tool": "Tool",
    "approval_why": "Why",
    "approval_asked": "Asked (UTC)",
    "approval_until": "Expires (UTC)",
    "approval_arguments": "Arguments",
    "approval_hidden": "hidden here",
    "approval_unmasked": "It could not be told what of this is personal or secret, so all of it is hidden.",
    "approval_whole": "Shown whole. That you have seen it is on record.",
    "approval_reveal": "Show whole (goes on record)",
    "approval_own": "You asked for this, or have the key that did: somebody else must decide.",
    "approval_reason": "Reason",
    "approval_note": "Note (kept sealed)",
    "approval_yes": "Approve",
    "approval_no": "Refuse",
    "approval_approved": "Approved. The call goes on.",
    "approval_refused": "Refused.",
    "approval_choose": "Choose to approve or to refuse.",
    "operators_title": "Operators",
    "operator_state": "State",
    "operator_active": "active",
    "operator_disabled": "disabled",
    "operator_glass": "for emergencies",
    "operator_codes": "One-time codes",
    "operator_codes_on": "set up",
    "operator_codes_off": "none",
    "operator_sessions": "Sessions",
    "operator_change": "Change",
    "operator_save": "Give these roles",
    "operator_disable": "Disable",
    "operator_enable": "Enable",
    "operator_reset": "Take codes and passkeys away",
    "operator_you": "you",
    "operator_done_roles": "The roles are changed, and the sessions of the account have ended.",
    "operator_done_disabled": "The account is disabled. Its sessions end at their next request.",
    "operator_done_enabled": "The account is enabled.",
    "operator_done_reset": "One-time codes and passkeys are taken away, and the sessions of the account have ended.",
    "reset_own": "Another operator must take away one's codes and passkeys.",
    "invite_title": "Invite an operator",
    "invite_text": "You choose the roles; the person chooses name and password by a link, which works once, for a day.",
    "invite_glass": "For emergencies: each use is an alert, and must be reviewed by another operator",
    "invite": "Make a link",
    "invite_link": "The new link",
    "invite_shown": "Give this link to the person. It is shown this once.",
    "invites_open": "Open invitations",
    "invite_by": "Invited by",
    "invite_withdraw": "Withdraw",
    "invite_withdrawn": "Withdrawn.",
    "keys_title": "API keys",
    "keys_none": "No API key was made yet.",
    "key_issue_title": "Make a key",
    "key_issue": "Make the key",
    "key_name": "What it is for",
    "key_env": "Environment",
    "key_env_hint": "Part of the key: 2 to 8 small letters.",
    "key_tenant": "Tenant",
    "key_roles": "Roles, apart by blanks",
    "key_limits": "Limits",
    "key_limits_hint": "Names or patterns such as small-*, apart by blanks. Empty: all.",
    "key_bots": "Bots",
    "key_models": "Models",
    "key_routes": "Routes",
    "key_tools": "Tools",
    "key_days": "Days until it expires",
    "key_requests": "Requests a day",
    "key_tokens": "Tokens a day",
    "key_shown": "This is the key. It is shown this once: only its digest is kept.",
    "key_state": "State",
    "key_created": "Made (UTC)",
    "key_expires": "Expires (UTC)",
    "key_used": "Last used (UTC)",
    "key_change": "Change",
    "key_rotate": "Rotate",
    "key_grace": "Hours that the old version stays good",
    "key_disable": "Disable for good",
    "key_disabled": "The key is disabled from the next message on.",
    "key_number": "A field holds something that is no number in its range.",
    "explain_title": "Explain a decision",
    "explain_text": "What would be decided about this question now, and by which policies. Nothing is done.",
    "explain_action": "Action",
    "explain_resource": "Resource",
    "explain_resource_hint": "TYPE::ID, such as Bot::default or Tool::refund.",
    "explain_kind": "What the caller is",
    "explain_id": "Its id",
    "explain_roles": "Its roles, apart by blanks",
    "explain_assurance": "How surely it is who it says",
    "explain_context": "Context, a JSON object",
    "explain": "Explain",
    "explain_answer": "Answer",
    "explain_policies": "Policies that decided",
    "explain_none": "No policy decided.",
    "explain_json": "The context must be a JSON object.",
}

ENGLISH: Final[Mapping[str, str]] = {**_SIGNING_IN, **WATCHING, **PLACES, **ASSURANCE}
CATALOGS: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "de": {**ENGLISH, **GERMAN}}
"""Language -> catalog. What a catalog does not have is said in English."""
_KEYS: Final = {sentence: key for key, sentence in ENGLISH.items()}


def in_language(sentence: str, language: str) -> str:
    """A sentence of the English catalog in another language; any other as it is."""
    key = _KEYS.get(sentence)
    return sentence if key is None else CATALOGS[language][key]


def visible(text: str) -> str:
    """Text with everything that is not printable as ``\\u`` and its code."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


REASONS: Final = {
    "expected": "It was to be expected",
    "checked-with-person": "Checked with the person",
    "within-limits": "Within limits",
    "not-expected": "It was not to be expected",
    "too-much": "Too much",
    "wrong-target": "The wrong target",
    "suspicious": "Suspicious",
    "other": "Another reason",
}
"""Reasons of approvals (``identity.approvals.REASONS``) in words."""
