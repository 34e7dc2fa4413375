"""Catalogues whose lines rest on controls that stand elsewhere: MITRE ATLAS mitigations, OWASP ASVS 5.0 by chapter,
NIST AI RMF 1.0 and NIST CSF 2.0 by category.

The rules:

1. A line names the controls that do a part of it. It is enforced while all of them are: it rests on their code, is
   switched on where they all are, is tried as they are, and observed where each of them is.
2. Each such line says that it is a part: chapters and categories ask for more than a program in front of bots does.
3. A line without one is the customer's duty, or not assessed. None is left out.

Ids are those of the catalogues; the wording is our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from chatward.assurance.evidence import Context, Control
from chatward.settings import Settings

_PART: Final = "a part of it:"
_DUTY: Final = "duty"

Line = tuple[str, str, str]
"""Id; what it asks for; the controls that do a part of it (or ``duty``, or nothing), by id."""

ATLAS: Final[Sequence[Line]] = (
    ("AML.M0000", "Little is public about the system", _DUTY),
    ("AML.M0001", "Models are not given away without need", _DUTY),
    ("AML.M0002", "Outputs tell no more of the model than people need", ""),
    ("AML.M0003", "Models are trained to withstand attacks", _DUTY),
    ("AML.M0004", "Questions to a model are limited", "LLM10"),
    ("AML.M0005", "Models and data are kept from those who need them not", "CC6.1 C1.1"),
    ("AML.M0006", "Several models decide together", ""),
    ("AML.M0007", "Training data are cleaned", _DUTY),
    ("AML.M0008", "Models are tested with attacks", "CC4.1"),
    ("AML.M0009", "Several senses look at the same thing", ""),
    ("AML.M0010", "Inputs are brought to a plain form before they are judged", ""),
    ("AML.M0011", "Only libraries and files that are known are loaded", "LLM03"),
    ("AML.M0012", "What is sensitive is encrypted", "C1.1 CC6.7"),
    ("AML.M0013", "Software is signed", ""),
    ("AML.M0014", "Models and other parts are verified before they are used", "LLM03"),
    ("AML.M0015", "Inputs that attack are found", "LLM01"),
    ("AML.M0016", "Parts are searched for known vulnerabilities", "CC7.1"),
    ("AML.M0017", "How models are handed out is chosen with care", _DUTY),
    ("AML.M0018", "People are trained", _DUTY),
    ("AML.M0019", "Who asks a model in production is known and allowed", "CC6.1 LLM06"),
    ("AML.M0020", "Guards stand between people and models, both ways", "LLM01 LLM02 LLM05"),
    ("AML.M0021", "Models are told how to behave", _DUTY),
    ("AML.M0022", "Models are aligned", _DUTY),
    ("AML.M0023", "There is a bill of materials with models", "LLM03"),
    ("AML.M0024", "What is asked and answered is recorded", "CC7.2"),
    ("AML.M0025", "Where data came from is known", _DUTY),
    ("AML.M0026", "Agents have no more rights than they need", "LLM06"),
    ("AML.M0027", "An agent acts with the rights of the person who asks", "ASI03"),
    ("AML.M0028", "Tools are called by policy", "ASI02"),
    ("AML.M0029", "A person decides what is grave", "LLM06"),
    ("AML.M0030", "Tools are not called because of what untrusted data say", "ASI01 ASI02"),
    ("AML.M0031", "Memory of agents is protected", ""),
    ("AML.M0032", "Parts of agents are kept apart", _DUTY),
    ("AML.M0033", "What goes into and comes out of parts of agents is checked", "LLM01 LLM05"),
    ("AML.M0034", "Fakes of voices and faces are found", ""),
)
ASVS: Final[Sequence[Line]] = (
    ("V1", "Encoding and sanitization", "LLM05"),
    ("V2", "Validation and business logic", "LLM10"),
    ("V3", "Web frontends", ""),
    ("V4", "APIs and web services", "LLM10"),
    ("V5", "Files", ""),
    ("V6", "Authentication", "CC6.1 CC6.2"),
    ("V7", "Sessions", ""),
    ("V8", "Authorization", "CC6.1 LLM06"),
    ("V9", "Tokens that speak for themselves", "CC6.1"),
    ("V10", "OAuth and OpenID Connect", "CC6.1"),
    ("V11", "Cryptography", "C1.1"),
    ("V12", "Communication", "CC6.7"),
    ("V13", "Configuration", _DUTY),
    ("V14", "Data protection", "LLM02 C1.2"),
    ("V15", "Coding and architecture: parts that are known", "LLM03"),
    ("V16", "Logging and errors", "CC7.2"),
    ("V17", "WebRTC", _DUTY),
)
AI_RMF: Final[Sequence[Line]] = (
    ("GOVERN 1", "Policies and processes for risks of AI", _DUTY),
    ("GOVERN 2", "Who answers for what", _DUTY),
    ("GOVERN 3", "People of many kinds take part", _DUTY),
    ("GOVERN 4", "A culture that speaks of risks", _DUTY),
    ("GOVERN 5", "Those concerned are heard", _DUTY),
    ("GOVERN 6", "Risks of third parties", "CC9.2"),
    ("MAP 1", "What the system is for, and where", _DUTY),
    ("MAP 2", "What kind of system it is", _DUTY),
    ("MAP 3", "What it can do, and at what cost", _DUTY),
    ("MAP 4", "Risks of its parts and of third parties", "LLM03 CC9.2"),
    ("MAP 5", "What it does to people", _DUTY),
    ("MEASURE 1", "How risks are measured", "CC4.1"),
    ("MEASURE 2", "It is tried for what makes it trustworthy: security and privacy", "LLM01 LLM02 CC4.1"),
    ("MEASURE 3", "Risks are followed over time", "CC7.1"),
    ("MEASURE 4", "Whether measuring helps is asked", ""),
    ("MANAGE 1", "Risks are ranked and answered", "CC7.1"),
    ("MANAGE 2", "What does harm can be shut", "ASI04"),
    ("MANAGE 3", "Third parties are watched", "CC9.2"),
    ("MANAGE 4", "Incidents are answered and told", "CC7.3"),
)
CSF: Final[Sequence[Line]] = (
    ("GV.OC", "Context of the organisation", _DUTY),
    ("GV.RM", "Strategy for risks", _DUTY),
    ("GV.RR", "Roles and responsibilities", _DUTY),
    ("GV.PO", "Policy", _DUTY),
    ("GV.OV", "Oversight", _DUTY),
    ("GV.SC", "Risks of suppliers", "CC9.2"),
    ("ID.AM", "What there is", "LLM03"),
    ("ID.RA", "What may go wrong", "CC7.1"),
    ("ID.IM", "What was learnt from tests", "CC4.1"),
    ("PR.AA", "Identities and access", "CC6.1 CC6.2"),
    ("PR.AT", "People are trained", _DUTY),
    ("PR.DS", "Data", "LLM02 C1.1 CC6.7"),
    ("PR.PS", "Platforms", "CC7.1"),
    ("PR.IR", "Resilience", "LLM10"),
    ("DE.CM", "What happens is watched", "CC6.6"),
    ("DE.AE", "What it means is found out", "CC7.2"),
    ("RS.MA", "Incidents are managed", "CC7.3"),
    ("RS.AN", "Incidents are looked into", "CC7.2"),
    ("RS.CO", "Incidents are told", "CC7.3"),
    ("RS.MI", "Incidents are contained", "ASI04"),
    ("RC.RP", "Recovery", "A1.2"),
    ("RC.CO", "Recovery is told", _DUTY),
)


def resting(catalogue: str, lines: Iterable[Line], on: Iterable[Control]) -> tuple[Control, ...]:
    """The lines of a catalogue as controls. Raises ``KeyError`` where a line names none of those it may rest ``on``."""
    known = {one.id: one for one in on}
    return tuple(
        _resting(catalogue, id_, sentence, [known[name] for name in by.split() if by != _DUTY], duty=by == _DUTY)
        for id_, sentence, by in lines
    )


def _resting(catalogue: str, id_: str, sentence: str, parts: Sequence[Control], *, duty: bool) -> Control:
    probes = [one.probe for one in parts if one.probe is not None]

    def switched(settings: Settings) -> bool:
        return all(one.on(settings) for one in parts)

    def tried(context: Context) -> bool:
        return all(probe(context) for probe in probes)

    return Control(
        id_,
        catalogue,
        sentence,
        _together(one.enforced_by for one in parts),
        _together(one.evidence for one in parts),
        switched,
        tried if probes else None,
        f"{_PART} {'; '.join(one.sentence for one in parts)}" if parts else "",
        duty,
        tuple(f"{one.catalogue}:{one.id}" for one in parts),
        drill=next((one.drill for one in parts if one.drill), ""),
        parts=tuple(one.evidence for one in parts),
    )


def _together(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))
