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
    const detail = document.getElementById("kind")?.selectedOptions[0]?.textContent ?? "";
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

let notice = null, held = null;

function showNotice() {
  part("by").textContent = ChatwardRights.responsible(notice);
  part("text").textContent = notice.text ?? "";
  part("purposes").replaceChildren(...Object.entries(notice.purposes).map(([name, purpose]) =>
    ChatwardTalk.make("li", {}, ChatwardRights.told(name, purpose))));
}

async function show() {
  held ??= ChatwardRights.panel(notice, call, act);
  await held.show();
  if (!held.element.isConnected) part("decided").append(held.element);
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
