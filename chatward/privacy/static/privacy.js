// The page of a person's choices: what is told of every purpose, consent and the other rights, requests. It talks to the
// gateway it came from, and to nobody else. What servers say goes into the page as text.
"use strict";

const part = (id) => document.getElementById(id);

let mailed = ""; // the session that a mailed link gave; kept until the page is closed

const credential = () => mailed || part("key").value;
const authorized = () => (credential() ? { authorization: `Bearer ${credential()}` } : {});

async function call(method, path, body, proven = {}) {
  const headers = { ...authorized(), ...proven };
  if (body) headers["content-type"] = "application/json";
  const mine = mailed && path !== "notice" ? "mailed/" : "";
  const response = await fetch(`../v1/privacy/${mine}${path}`, {
    method, headers, body: body && JSON.stringify(body), credentials: "same-origin", cache: "no-store",
  });
  const told = await response.json().catch(() => null);
  const challenge = (told?.chatward ?? told?.error?.chatward)?.challenge;
  if (challenge && !proven["x-chatward-challenge"]) {
    const detail = part("kind").selectedOptions[0]?.textContent ?? "";
    const outcome = await ChatwardStepUp.ask(challenge, { headers: authorized, root: "../", detail });
    if (outcome !== "met") throw new Error("Nothing was asked for: it was not shown who you are.");
    return call(method, path, body, { "x-chatward-challenge": challenge.id });
  }
  if (!response.ok) throw new Error(told?.error?.message ?? "");
  return told;
}

/** A link that was mailed: its token is in the fragment, which is taken out of the address at once. */
async function follow() {
  const token = new URLSearchParams(location.hash.slice(1)).get("mail");
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  await act(async () => {
    mailed = (await call("POST", "mailed/session", { token })).session;
    part("unknown").hidden = true;
  });
}

function say(sentence, stopped = false) {
  part("said").textContent = sentence;
  part("said").className = stopped ? "note stopped" : "note";
  part("said").hidden = !sentence;
}

function made(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

function button(words, label, what) {
  const element = made("button", words);
  element.type = "button";
  element.className = "quiet";
  element.setAttribute("aria-label", label);
  element.addEventListener("click", () => act(what));
  return element;
}

const words = (text) => text.replaceAll("-", " ");
let notice = null;

function showNotice() {
  const who = [notice.controller, notice.contact, notice.officer].filter(Boolean).join(", ");
  part("by").textContent = who ? `Responsible: ${who}.` : "";
  part("text").textContent = notice.text ?? "";
  part("purposes").replaceChildren(...Object.entries(notice.purposes).map(([name, purpose]) => {
    const told = [purpose.summary || words(name)];
    if (purpose.lawful_basis) told.push(`Ground: ${words(purpose.lawful_basis)}${purpose.interest ? ` (${purpose.interest})` : ""}.`);
    if (purpose.special_categories.length) told.push(`About: ${purpose.special_categories.map(words).join(", ")}.`);
    if (purpose.retention_days) told.push(`Kept for ${purpose.retention_days} days.`);
    if (purpose.recipients.length) told.push(`Goes to ${purpose.recipients.join(", ")}.`);
    if (purpose.human) told.push(`A person decides anew: ${purpose.human}`);
    return made("li", told.join(" "));
  }));
}

const REFUSED = {
  "consent-required": "not allowed: you have not consented",
  "processing-objected": "stopped: you objected",
  "processing-restricted": "stopped: you asked for it",
  "opted-out": "not done: you opted out",
  "minor-refused": "not offered to you",
};

function offers(name, purpose, own, standing) {
  const title = purpose.summary || words(name);
  const choose = (choice) => () => call("POST", "choices", { choice, purpose: name });
  if (purpose.lawful_basis === "consent") {
    return own.consented === notice.version
      ? button("Withdraw", `Withdraw consent: ${title}`, () => call("DELETE", `consents/${name}`))
      : button(purpose.explicit ? "I expressly consent" : "Consent", `Consent: ${title}`,
        () => call("POST", "consents", { purpose: name, notice: notice.version, explicit: purpose.explicit }));
  }
  if (purpose.use !== "service") {
    return standing.opted_out.includes(name)
      ? button("Opt in", `Opt in: ${title}`, choose("opt-in"))
      : button("Opt out", `Opt out: ${title}`, choose("opt-out"));
  }
  if ([null, "public-task", "legitimate-interests"].includes(purpose.lawful_basis)) {
    return standing.objected.includes(name)
      ? button("Object no more", `Object no more: ${title}`, choose("object-no-more"))
      : button("Object", `Object: ${title}`, choose("object"));
  }
  return "";
}

async function show() {
  const standing = await call("GET", "consents");
  part("mine").replaceChildren(...Object.entries(standing.purposes).map(([name, own]) => {
    const purpose = notice.purposes[name];
    const state = own.permitted ? "allowed" : REFUSED[own.reason] ?? "not allowed";
    return made("li", made("span", `${purpose.summary || words(name)} Now: ${state}.`), offers(name, purpose, own, standing));
  }));
  const stopped = standing.restricted.includes("*");
  part("all").textContent = stopped ? "Allow processing again" : "Stop all processing";
  part("all").dataset.choice = stopped ? "restrict-no-more" : "restrict";
  part("gpc").textContent = standing.gpc.seen
    ? "Your browser sends Global Privacy Control: opt-out honoured." : "";
  const { requests } = await call("GET", "requests");
  part("asked").replaceChildren(...requests.map((one) =>
    made("li", `${words(one.kind)}, asked on ${one.received}, ${one.state === "closed" ? "answered" : `answered by ${one.due}`}`)));
  part("choices").hidden = part("requests").hidden = false;
}

async function act(what) {
  say("");
  try {
    await what();
    await show();
    say("Done. This is how it stands now.");
  } catch (error) {
    say(error.message || "Nothing was changed. You can try again.", true);
  }
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  act(async () => {});
});
part("all").addEventListener("click", () => act(() => call("POST", "choices", { choice: part("all").dataset.choice })));
part("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  act(() => call("POST", "requests", { kind: part("kind").value }));
});

part("mail").addEventListener("submit", async (event) => {
  event.preventDefault();
  say("");
  try {
    const tenant = new URLSearchParams(location.search).get("tenant") ?? undefined;
    say((await call("POST", "mailed/link", { address: part("address").value, tenant })).message);
  } catch (error) {
    say(error.message || "That did not get through. You can try again.", true);
  }
});

(async () => {
  try {
    notice = await call("GET", "notice");
    showNotice();
    part("mail").hidden = !notice.mail_link;
    await follow();
  } catch {
    say("The notice cannot be shown now. Please try again.", true);
  }
})();
