"""The requirements of GDPR, HIPAA, CCPA, the EU AI Act and SB 243 that concern a chatbot, and what of them is done.

One entry a line of the law; the numbers are those that start-up names (``gdpr.3``). See ``requirements`` for the rules.
"""

from __future__ import annotations

from typing import Final

from chatward.core.events import Event
from chatward.privacy.requirements import Requirement
from chatward.settings import Settings

_RULES: Final = "chatward.settings.privacy_rules:"
_RULES_TEST: Final = "tests/settings/test_privacy_rules.py::"
_PATH: Final = "tests/privacy/test_path.py::"
_GATE: Final = "tests/privacy/test_gate.py::"
_HELP_TEST: Final = "tests/engine/test_model_guards.py::test_words_of_self_harm_are_answered_with_the_help_line"
_REFUSED: Final = Event.REQUEST_REFUSED.value + "/"


def _stores(settings: Settings) -> bool:
    return settings.conversations.store


def _records(settings: Settings) -> bool:
    return settings.ledger.enabled


def _rests_on_consent(settings: Settings) -> bool:
    return any(purpose.lawful_basis == "consent" for purpose in settings.privacy.purposes.values())


def _discloses(settings: Settings) -> bool:
    return settings.privacy.disclosure != "off"


def _marks(settings: Settings) -> bool:
    return settings.privacy.mark


def _duty(id_: str, law: str, sentence: str) -> Requirement:
    return Requirement(id_, law, sentence, duty=True)


GDPR: Final = (
    Requirement(
        "gdpr.1",
        "Articles 5(1)(c), 25",
        "A bot is sent no personal data that it does not need",
        (f"{_RULES}_kept", "chatward.policy.policy:Policy"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value,),
        limit="what guards recognise, on routes that have guards",
    ),
    Requirement(
        "gdpr.2",
        "Article 5(1)(e)",
        "What is stored goes after the shortest time of the purposes that are served; the oldest is reported",
        (f"{_RULES}_retention", f"{_RULES}retention_days", "chatward.privacy.retention:purge"),
        ("tests/privacy/test_retention.py::test_the_shortest_time_counts_and_who_is_held_stays",),
        (Event.CONVERSATIONS_PURGED.value,),
        on=_stores,
        limit="stored conversations; the ledger holds no text and is yours to end",
    ),
    Requirement(
        "gdpr.3",
        "Articles 5(2), 6",
        "No route without a purpose and a lawful basis, and nothing without a record",
        (f"{_RULES}_gdpr", "chatward.privacy.opening:in_the_path"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value,),
        limit="which special categories (Article 9) are in a message is what its purpose says, not what a guard finds",
    ),
    Requirement(
        "gdpr.4",
        "Articles 7(1), 7(3)",
        "Consent is kept with the notice's version, and its withdrawal binds the next message",
        ("chatward.privacy.standing:refusal", "chatward.privacy.gate:PrivacyGate.check"),
        (f"{_PATH}test_consent_opens_the_way_and_its_withdrawal_closes_it_at_the_next_message",
         f"{_PATH}test_withdrawal_ends_a_stream_that_runs"),
        (Event.CONSENT_GIVEN.value, Event.CONSENT_WITHDRAWN.value, f"{_REFUSED}consent-required"),
        on=_rests_on_consent,
        limit="for who signs in; whether a consent was free and informed is yours to see to",
    ),
    Requirement(
        "gdpr.5",
        "Article 12(3)",
        "Requests are answered within a month, or three with a reason; the clock is shown",
        ("chatward.privacy.clocks:gdpr_answer", "chatward.privacy.requests:Requests"),
        ("tests/privacy/test_clocks.py::test_months_of_the_calendar",
         "tests/privacy/test_requests.py::test_a_request_from_its_receipt_to_its_end"),
        (Event.SUBJECT_REQUEST_OPENED.value,),
        limit="shown and recorded; nobody is called when a day has passed",
    ),
    Requirement(
        "gdpr.6",
        "Articles 13, 14",
        "A notice with a version, made from the settings, is served to everybody",
        (f"{_RULES}_told", "chatward.privacy.notice:notice"),
        (f"{_PATH}test_the_notice_is_read_by_everybody",),
        (),
        limit="that it is shown before the first message is the page's to do",
    ),
    Requirement(
        "gdpr.7",
        "Articles 15, 20",
        "What is stored of a person is copied out, for people and for machines",
        ("chatward.privacy.exporting:export",),
        ("tests/privacy/test_exporting.py::test_all_of_a_person_and_nothing_of_others",),
        (Event.SUBJECT_EXPORTED.value,),
        limit="of every store; not accounts, baselines of behaviour, nor what processors keep",
    ),
    Requirement(
        "gdpr.8",
        "Article 16",
        "A correction is appended to what is stored of a person",
        ("chatward.privacy.correcting:correct",),
        ("tests/privacy/test_correcting.py::test_a_correction_stands_beside_what_was_said",),
        (Event.SUBJECT_CORRECTED.value,),
        on=_stores,
        limit="of stored conversations; what a bot has learned is its operator's to put right",
    ),
    Requirement(
        "gdpr.9",
        "Articles 17, 19",
        "Erasure destroys keys and rows, and a signed receipt for each store says so",
        ("chatward.privacy.erasing:erase", "chatward.seal.register:Eraser", "chatward.privacy.notices:Notices"),
        ("tests/privacy/test_erasing.py::test_a_person_is_erased_everywhere_and_the_receipts_verify",
         "tests/privacy/test_notices.py::test_an_erasure_is_queued_before_it_begins_and_not_for_who_is_held",
         "tests/backup/test_backup.py::test_one_of_a_thousand_is_gone_from_every_file_and_from_what_a_backup_brings_back"),
        (Event.SUBJECT_ERASED.value, Event.RECIPIENT_TOLD.value),
        limit="recipients without a webhook are listed for people to tell; accounts have commands of their own",
    ),
    Requirement(
        "gdpr.10",
        "Articles 18, 21",
        "Restriction and objection are enforced on every message",
        ("chatward.privacy.standing:refusal", "chatward.privacy.api:PrivacyApi"),
        (f"{_PATH}test_objection_and_restriction_bind_the_next_message",),
        (Event.OBJECTION_MADE.value, Event.RESTRICTION_MADE.value, f"{_REFUSED}processing-objected"),
    ),
    Requirement(
        "gdpr.11",
        "Article 22",
        "A purpose that decides about people names a way to a human",
        (f"{_RULES}_gdpr",),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (),
        limit="named in the settings and the notice; the way itself is yours",
    ),
    Requirement(
        "gdpr.12",
        "Article 28",
        "No bot of a processor without a contract on file that has not ended",
        (f"{_RULES}_gdpr", "chatward.assurance.vendors:VendorGate"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",
         "tests/assurance/test_vendors.py::test_a_contract_that_ends_shuts_the_bot_at_midnight"),
        (Event.UPSTREAM_INTENDED.value,),
        limit="`[vendors]` at every message, `[privacy.processors]` at the start; what the contract says is yours",
    ),
    Requirement(
        "gdpr.13",
        "Article 30",
        "A record of processing, made from the live routes",
        ("chatward.privacy.processing:processing",),
        ("tests/privacy/test_processing.py::test_every_route_is_in_it_under_its_purpose",),
        (),
        limit="of what goes through Chatward",
    ),
    Requirement(
        "gdpr.14",
        "Article 32",
        "Encryption on the way to bots and of what is stored; backups and their return are verified and on record",
        (f"{_RULES}_always", "chatward.seal.sealer:KeySealer", "chatward.backup.restoring:restore"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",
         "tests/backup/test_backup.py::test_a_backup_that_somebody_made_anew_is_refused_by_who_knows_the_key"),
        (Event.BACKUP_MADE.value, Event.BACKUP_RESTORED.value),
        limit="that a return is tried now and then is yours to do; the record says when it was",
    ),
    Requirement(
        "gdpr.15",
        "Articles 33, 34",
        "Breaches are registered, with the time of awareness, the 72 hours and the fields of 33(3)",
        ("chatward.privacy.incidents:Incidents", "chatward.privacy.clocks:breach_authority"),
        ("tests/privacy/test_incidents.py::test_a_breach_from_awareness_to_its_end",),
        (Event.INCIDENT_OPENED.value,),
        limit="shown and recorded; nobody is called or told by it",
    ),
    Requirement(
        "gdpr.16",
        "Article 35",
        "No route whose purpose decides about people or has special categories without an impact assessment on file",
        (f"{_RULES}_gdpr", "chatward.privacy.assessing:draft"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",
         "tests/privacy/test_assessing.py::test_a_draft_says_what_settings_say_and_asks_the_rest"),
        (),
        limit="drafted from the settings; risks are people's to weigh, and so is scale",
    ),
    Requirement(
        "gdpr.17",
        "Articles 44-49",
        "No bot outside the European Economic Area without a ground for the transfer",
        (f"{_RULES}_gdpr",),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value,),
        limit="as the settings tell the region; adequacy decisions are not looked up",
    ),
)  # fmt: skip

HIPAA: Final = (
    Requirement(
        "hipaa.1", "164.312(a)(2)(i)", "Every user has an id of their own",
        (f"{_RULES}_hipaa",), (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value, f"{_REFUSED}not-authenticated"), limit="a key that people share is one id",
    ),
    Requirement(
        "hipaa.2", "164.312(a)(2)(ii)", "Emergency access raises an alert and is reviewed",
        ("chatward.identity.operators:Operators",),
        ("tests/identity/test_operators.py::test_a_break_glass_account_is_used_once_between_reviews",),
        (Event.BREAK_GLASS_USED.value, Event.BREAK_GLASS_REVIEWED.value),
    ),
    Requirement(
        "hipaa.3", "164.312(a)(2)(iii)", "Operators are signed out after a time without a request",
        ("chatward.identity.sessions:Sessions",),
        ("tests/identity/test_sessions.py::test_it_ends_without_requests_and_after_the_day",),
        (Event.OPERATOR_SESSION_OPENED.value,), limit="of the console; not of the pages that chat",
    ),
    Requirement(
        "hipaa.4", "164.312(a)(2)(iv)", "What is stored of conversations is encrypted",
        ("chatward.stores.conversations:ConversationStore", "chatward.seal.sealer:KeySealer"),
        ("tests/stores/test_conversations.py::test_nothing_that_anybody_wrote_is_in_the_clear",),
        (Event.CONVERSATION_REVEALED.value, Event.CONVERSATIONS_PURGED.value), on=_stores,
    ),
    Requirement(
        "hipaa.5", "164.312(b)", "Every message that goes to a bot is on record before it goes",
        (f"{_RULES}_always", "chatward.ledger.sqlite:SqliteLedger"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",), (Event.UPSTREAM_INTENDED.value,), on=_records,
    ),
    Requirement(
        "hipaa.6", "164.312(c)", "A change of the record is found",
        ("chatward.ledger.verifying:verify",),
        ("tests/ledger/test_tampering.py::test_a_chain_made_anew_is_found_by_the_next_checkpoint",),
        (Event.UPSTREAM_INTENDED.value,), on=_records, limit="of the record; of stored text by its seal",
    ),
    Requirement(
        "hipaa.7", "164.312(d)", "Who asks is authenticated; under the strict profile operators with two factors",
        (f"{_RULES}_hipaa",), (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.OPERATOR_SESSION_OPENED.value, f"{_REFUSED}not-authenticated"),
    ),
    Requirement(
        "hipaa.8", "164.312(e)", "Nothing goes unencrypted over a network, in either direction",
        (f"{_RULES}_always", "chatward.settings.rules:problems_of"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",), (),
    ),
    _duty("hipaa.9", "164.308(a)(1)(ii)(A), (D)", "Risk analysis and review of activity"),
    Requirement(
        "hipaa.10", "164.308(b), 164.314(a)", "No health information to a bot without an agreement on file",
        (f"{_RULES}_hipaa",), (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value,), limit="looked at when the settings are read, not in between",
    ),
    Requirement(
        "hipaa.11", "164.502(b)", "A bot is sent no health information that it does not need",
        (f"{_RULES}_kept", "chatward.policy.policy:Policy"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",), (Event.UPSTREAM_INTENDED.value,),
        limit="what guards recognise",
    ),
    Requirement(
        "hipaa.12", "164.514(b)(2)", "Of the 18 identifiers, those that have a form in text are recognised",
        ("chatward.guards.text.pii:PiiGuard",),
        ("tests/privacy/test_identifiers.py::test_every_identifier_that_has_rules_is_found",),
        (Event.UPSTREAM_INTENDED.value,),
        limit="not: web addresses, biometrics, photographs, codes of your own; and what docs/privacy.md says of each",
    ),
    Requirement(
        "hipaa.13", "164.316(b)(2)", "Requests, breaches and the record are kept for six years or more",
        ("chatward.privacy.requests:kept_months", f"{_RULES}_always"),
        ("tests/privacy/test_requests.py::test_under_hipaa_six_years_are_kept",
         f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused"),
        (Event.SUBJECT_REQUEST_CLOSED.value, Event.INCIDENT_OPENED.value),
        limit="the ledger and the register of breaches have no end; policies and procedures are yours to keep",
    ),
    Requirement(
        "hipaa.14", "164.404, 164.410", "The 60 days of a breach are counted from its discovery",
        ("chatward.privacy.clocks:breach_individuals", "chatward.privacy.incidents:Incidents"),
        ("tests/privacy/test_incidents.py::test_a_breach_from_awareness_to_its_end",), (Event.INCIDENT_OPENED.value,),
        limit="shown and recorded; nobody is called or told by it",
    ),
)  # fmt: skip

CCPA: Final = (
    Requirement(
        "ccpa.1", "1798.100", "A notice at collection, with times of retention",
        (f"{_RULES}_ccpa", "chatward.privacy.notice:notice"),
        (f"{_PATH}test_the_notice_is_read_by_everybody",), (), limit="that it is shown is the page's to do",
    ),
    Requirement(
        "ccpa.2", "1798.105, .106, .110, .115", "Requests to delete, correct and know are taken, exported, erased",
        ("chatward.privacy.requests:Requests", "chatward.privacy.erasing:erase", "chatward.privacy.exporting:export"),
        ("tests/privacy/test_erasing.py::test_a_person_is_erased_everywhere_and_the_receipts_verify",),
        (Event.SUBJECT_REQUEST_OPENED.value, Event.SUBJECT_EXPORTED.value), limit="correcting is done by hand",
    ),
    Requirement(
        "ccpa.3", "1798.120, .121", "Who opts out of sale, sharing or analytics is not processed for it",
        ("chatward.privacy.standing:refusal", f"{_RULES}_ccpa"),
        (f"{_PATH}test_global_privacy_control_is_kept_for_known_people_and_holds_for_others",),
        (Event.OPT_OUT_MADE.value, f"{_REFUSED}opted-out"), limit="sensitive data are not limited by themselves",
    ),
    Requirement(
        "ccpa.4", "1798.125", "Who opts out is served all the same",
        ("chatward.privacy.standing:refusal",),
        (f"{_PATH}test_global_privacy_control_is_kept_for_known_people_and_holds_for_others",),
        (), limit="prices are yours",
    ),
    Requirement(
        "ccpa.5", "1798.130, 11 CCR 7021", "The 10 business days, 45 and 90 days of requests are counted",
        ("chatward.privacy.clocks:ccpa_answer", "chatward.privacy.clocks:ccpa_confirmation"),
        ("tests/privacy/test_clocks.py::test_california",), (Event.SUBJECT_REQUEST_OPENED.value,),
        limit="shown and recorded; nobody is called when a day has passed",
    ),
    Requirement(
        "ccpa.6", "1798.135, 11 CCR 7025", "Sec-GPC: 1 opts out the request and the known person; its status is shown",
        ("chatward.privacy.gate:PrivacyGate.admit", "chatward.privacy.gate:says_gpc"),
        (f"{_PATH}test_global_privacy_control_is_kept_for_known_people_and_holds_for_others",),
        (Event.OPT_OUT_MADE.value, f"{_REFUSED}opted-out"), on=lambda settings: settings.privacy.gpc,
    ),
    Requirement(
        "ccpa.7", "W3C Global Privacy Control", "/.well-known/gpc.json says that it is honoured",
        ("chatward.privacy.notice:privacy_pages",),
        (f"{_PATH}test_global_privacy_control_is_kept_for_known_people_and_holds_for_others",), (),
        on=lambda settings: settings.privacy.gpc,
    ),
    Requirement(
        "ccpa.8", "11 CCR 7051", "No bot of a service provider without its terms on file",
        (f"{_RULES}_ccpa",), (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused",),
        (Event.UPSTREAM_INTENDED.value,), limit="what the terms say is yours",
    ),
    Requirement(
        "ccpa.9", "11 CCR 7101", "Records of requests are kept 24 months",
        ("chatward.privacy.requests:Requests.forget",),
        ("tests/privacy/test_requests.py::test_what_ended_two_years_ago_is_forgotten",),
        (Event.SUBJECT_REQUEST_CLOSED.value,),
    ),
)  # fmt: skip

AI_ACT: Final = (
    Requirement(
        "eu-ai-act.1", "Article 50(1)", "The first answer of a conversation says that an AI wrote it",
        ("chatward.privacy.gate:PrivacyGate", f"{_RULES}_ai_act"),
        (f"{_PATH}test_the_first_answer_of_a_conversation_says_that_it_is_an_ai",), (Event.AI_DISCLOSED.value,),
        on=_discloses, limit="told to programs; the chat page shows it, other pages have to",
    ),
    Requirement(
        "eu-ai-act.2", "Article 50(2)", "Answers are marked for machines as generated",
        ("chatward.privacy.marking:Marked",),
        (f"{_PATH}test_the_first_answer_of_a_conversation_says_that_it_is_an_ai",), (Event.AI_DISCLOSED.value,),
        on=_marks, limit="by a header: text that is copied on carries no mark",
    ),
    _duty("eu-ai-act.3", "Article 50(3)", "Notice of emotion recognition and biometric categorisation"),
    Requirement(
        "eu-ai-act.4", "Article 50(5)", "What is told is told at the first answer, on pages that keep WCAG 2.2 AA",
        ("chatward.console.chat:pages", "chatward.privacy.gate:PrivacyGate"),
        ("tests/console/test_pages_in_browser.py::test_the_chat_page_keeps_the_accessibility_rules",
         f"{_PATH}test_the_first_answer_of_a_conversation_says_that_it_is_an_ai"),
        (Event.AI_DISCLOSED.value,), on=_discloses, limit="on the pages that are served here",
    ),
    _duty("eu-ai-act.5", "Articles 14, 26(6), 73", "High-risk use: human oversight, logs for six months, reports"),
)  # fmt: skip

COMPANION: Final = (
    Requirement(
        "companion.1", "22602(a)", "People are told at the first answer that they talk to an AI",
        ("chatward.privacy.gate:PrivacyGate", f"{_RULES}_companion"),
        (f"{_PATH}test_the_first_answer_of_a_conversation_says_that_it_is_an_ai",
         f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused"),
        (Event.AI_DISCLOSED.value,), limit="told to programs; the chat page shows it, other pages have to",
    ),
    Requirement(
        "companion.2", "22602(b)", "Who speaks of self-harm is answered with where to find help, on every route",
        (f"{_RULES}_companion", "chatward.engine.plan:Plan.refused"),
        (f"{_RULES_TEST}test_what_contradicts_a_profile_is_refused", _HELP_TEST),
        (Event.MESSAGE_JUDGED.value,), limit="as far as models recognise it: docs/evaluation.md",
    ),
    Requirement(
        "companion.3", "22602(c)", "Known minors are reminded every three hours of the AI, and of a break",
        ("chatward.privacy.gate:PrivacyGate", f"{_RULES}_companion"),
        (f"{_GATE}test_minors_are_reminded_every_three_hours",), (Event.AI_DISCLOSED.value,),
        limit="of who is known for a minor by a role; sexual content is blocked for everybody (`text.abuse`)",
    ),
    _duty("companion.4", "22602(b)(2), 22603, 22604", "Protocol and note for minors are published; yearly reports"),
)  # fmt: skip

REQUIREMENTS: Final = (*GDPR, *HIPAA, *CCPA, *AI_ACT, *COMPANION)
