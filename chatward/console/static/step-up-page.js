// The step-up page: where a program sends a person to prove something (the challenge's id stands after the #), and
// where people see to their passkeys. What servers say goes into the page as text.
"use strict";

const part = (id) => document.getElementById(id);
const how = {
  root: "../",
  headers: () => (part("key").value ? { authorization: `Bearer ${part("key").value}` } : {}),
};

async function get(path) {
  const response = await fetch(`../${path}`, { headers: how.headers(), credentials: "same-origin", cache: "no-store" });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new ChatwardStepUp.Failure(response.status, body);
  return body;
}

function say(sentence, stopped = false) {
  part("said").textContent = sentence;
  part("said").className = stopped ? "note stopped" : "note";
  part("said").hidden = !sentence;
}

const OUTCOMES = {
  met: "Done. What waited goes on; you can close this page.",
  refused: "This was refused, or is not yours to confirm.",
  expired: "This has expired. Send the request again.",
  cancelled: "Nothing was confirmed.",
};

const day = (seconds) => new Date(seconds * 1000).toLocaleDateString();

async function show() {
  const mine = await get("v1/passkeys");
  part("passkeys").replaceChildren(...mine.passkeys.map((one, index) => {
    const item = document.createElement("li");
    const used = one.used === null ? "never used" : `last used ${day(one.used)}`;
    const state = one.suspended ? ", suspended: there may be a copy of it" : one.synced ? ", synced" : "";
    const name = `Passkey ${index + 1}`;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${name}`);
    remove.addEventListener("click", () => act(async () => {
      await ChatwardStepUp.proven({ ...how, detail: `Remove ${name}` }, "DELETE", `v1/passkeys/${one.id}`);
      say(`${name} was removed.`);
    }));
    item.append(`${name}, made ${day(one.made)}, ${used}${state}`, remove);
    return item;
  }));
  const codes = mine.recovery_codes === 1 ? "1 recovery code is" : `${mine.recovery_codes} recovery codes are`;
  part("left").textContent = `${codes} left.`;
  part("mine").hidden = false;
  part("lost").hidden = mine.add !== "code";
  part("add").hidden = mine.add === "code" || mine.add === "never";
  part("fresh").hidden = mine.add !== "proof";
}

function showCodes(codes) {
  part("codes").replaceChildren(...codes.map((code) => {
    const item = document.createElement("li");
    item.textContent = code;
    return item;
  }));
  part("kept").hidden = false;
  part("kept").focus();
}

async function act(what) {
  say("");
  try {
    await what();
    await show();
  } catch (error) {
    const known = error instanceof ChatwardStepUp.Failure && error.message;
    say(known ? error.message : "Nothing was changed. You can try again.", true);
  }
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  act(async () => {
    const id = location.hash.slice(1);
    if (!/^[\w-]{1,200}$/.test(id)) return;
    const challenge = await get(`v1/challenges/${id}`);
    const outcome = challenge.state === "waiting" ? await ChatwardStepUp.ask(challenge, how) : challenge.state;
    say(OUTCOMES[outcome], outcome !== "met");
  });
});

part("add").addEventListener("click", () => act(async () => {
  const made = await ChatwardStepUp.register({ ...how, detail: "Add a passkey" });
  say("The passkey was added.");
  if (made.recovery_codes) showCodes(made.recovery_codes);
}));

part("fresh").addEventListener("click", () => act(async () => {
  const made = await ChatwardStepUp.proven({ ...how, detail: "New recovery codes" }, "POST", "v1/passkeys/recovery", {});
  showCodes(made.recovery_codes);
}));

part("recover").addEventListener("submit", (event) => {
  event.preventDefault();
  act(async () => {
    const code = part("code").value;
    part("code").value = "";
    await ChatwardStepUp.proven(how, "POST", "v1/passkeys/recovery", { code });
    say("The code was accepted. Now add a passkey.");
  });
});
