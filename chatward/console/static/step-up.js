// Proving who one is, in place: a dialog that the chat page, the step-up page and the widget open when something waits
// for a proof. It talks to the gateway the page came from, and to nobody else.
//
//   const outcome = await ChatwardStepUp.ask(challenge, { headers, root, detail, signal });
//
// `challenge`: as GET v1/challenges/ID gives it. `headers()`: headers that say who asks. `root`: where "v1/..." is.
// `detail`: what it is for, in words; shown as text. `fetch`: in place of the browser's, `parent`: where the dialog is
// put. Where another person has to agree, the dialog leaves the page usable. Outcome: "met", "refused", "expired" or "cancelled". The proof is
// bound to what the gateway holds, never to what a page shows.
//
//   await ChatwardStepUp.register({ headers, root, name, detail });   // a new passkey; proves first where needed
//
// No markup from strings (Trusted Types), no inline script or style, works by keyboard, tells screen readers.
"use strict";

const ChatwardStepUp = (() => {
  const POLL = 1500;
  const SAFE_ID = /^[\w-]{1,200}$/;

  // --- base64url and options (W3C WebAuthn level 3, 5.1.9 and 5.1.10, for browsers that lack them) -----

  function bytes(text) {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, (character) => character.charCodeAt(0));
  }

  function text(buffer) {
    const raw = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  const credentials = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

  const requestOptions = (json) =>
    ({ ...json, challenge: bytes(json.challenge), allowCredentials: credentials(json.allowCredentials) });

  const creationOptions = (json) => ({
    ...json, challenge: bytes(json.challenge), user: { ...json.user, id: bytes(json.user.id) },
    excludeCredentials: credentials(json.excludeCredentials),
  });

  function plain(credential) {
    const { response } = credential;
    const told = { clientDataJSON: text(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) told[name] = text(response[name]);
    }
    if (response.getTransports) told.transports = response.getTransports();
    return {
      id: credential.id, rawId: text(credential.rawId), type: credential.type, response: told,
      clientExtensionResults: {},
    };
  }

  // --- talking to the gateway --------------------------------------------------------------------------

  class Failure extends Error {
    constructor(status, body) {
      super(body?.error?.message ?? "");
      this.status = status;
      this.code = body?.error?.code ?? "";
      this.challenge = body?.error?.chatward?.challenge ?? null;
    }
  }

  function caller(how) {
    const root = how.root ?? "";
    return async (method, path, body, more) => {
      const headers = { ...how.headers?.(), ...more };
      if (method === "POST") headers["content-type"] = "application/json";
      const sent = method === "POST" ? JSON.stringify(body ?? {}) : undefined;
      const response = await (how.fetch ?? fetch)(`${root}${path}`, {
        method, headers, body: sent, signal: how.signal, credentials: "same-origin", cache: "no-store",
      });
      const told = await response.json().catch(() => null);
      if (!response.ok) throw new Failure(response.status, told);
      return told;
    };
  }

  // --- the dialog --------------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const WORDS = {
    title: "Please confirm that it is you",
    approval: "Somebody else has to agree",
    why: "This needs a proof before it goes on. Your fingerprint, face or PIN stays on your device.",
    whyApproval: "A person of this organisation looks at it. You can leave this open; it goes on by itself.",
    passkey: "Use a passkey",
    code: "One-time code", codeHint: "Six digits from your authenticator app.", sendCode: "Confirm with the code",
    cancel: "Not now",
    working: "Waiting for your device…",
    stopped: "Nothing was confirmed. You can try again, or use another way.",
    noPasskeys: "This browser cannot use passkeys here.",
    lost: "That did not get through. Please try again.",
  };

  function left(expires) {
    const minutes = Math.max(1, Math.ceil((expires - Date.now() / 1000) / 60));
    return minutes === 1 ? "It waits about a minute." : `It waits about ${minutes} minutes.`;
  }

  function ask(challenge, how = {}) {
    if (!SAFE_ID.test(challenge.id)) return Promise.resolve("refused");
    const call = caller(how);
    const path = `v1/challenges/${challenge.id}`;
    const has = (proof) => challenge.proofs.includes(proof);
    const human = has("approval");
    const parent = how.parent ?? document.body;
    const before = parent.getRootNode().activeElement;

    const title = make("h2", { id: "step-up-title" }, human ? WORDS.approval : WORDS.title);
    const why = make("p", { id: "step-up-why" }, human ? WORDS.whyApproval : WORDS.why);
    const detail = make("p", { class: "step-up-detail", id: "step-up-detail" }, how.detail ?? "");
    detail.hidden = !how.detail;
    const wait = make("p", { class: "hint" }, left(challenge.expires));
    const said = make("p", { class: "step-up-said", role: "status", id: "step-up-said" });
    const passkey = make("button", { type: "button", id: "step-up-passkey" }, WORDS.passkey);
    const code = make("input", {
      id: "step-up-code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "9",
      pattern: "[0-9 ]*", "aria-describedby": "step-up-code-hint",
    });
    const codeForm = make("form", { id: "step-up-code-form", method: "dialog", novalidate: "" },
      make("label", { for: "step-up-code" }, WORDS.code), code,
      make("p", { class: "hint", id: "step-up-code-hint" }, WORDS.codeHint),
      make("button", { type: "submit", class: "quiet" }, WORDS.sendCode));
    const cancel = make("button", { type: "button", class: "quiet", id: "step-up-cancel" }, WORDS.cancel);
    passkey.hidden = !has("passkey");
    codeForm.hidden = !has("totp");
    const dialog = make("dialog", {
      class: "step-up", "aria-labelledby": "step-up-title", "aria-describedby": "step-up-why step-up-detail",
    }, title, why, detail, said, passkey, codeForm, make("div", { class: "row" }, wait, cancel));

    return new Promise((resolve) => {
      let over = false, busy = false, ceremony = null, timer = 0;

      const end = (outcome) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        ceremony?.abort();
        how.signal?.removeEventListener("abort", leave);
        dialog.close();
        dialog.remove();
        if (before?.isConnected) before.focus();
        resolve(outcome);
      };
      const leave = () => end("cancelled");
      const settle = (state) => { if (["met", "refused", "expired"].includes(state)) end(state); };
      const say = (sentence) => { if (!over) said.textContent = sentence; };

      const failed = (error) => {
        if (over) return;
        if (error.code === "challenge-expired") return end("expired");
        if (error.code === "challenge-settled" || error.code === "challenge-unknown") return look();
        if (error instanceof Failure && error.message) return say(error.message);
        say(error instanceof DOMException ? WORDS.stopped : WORDS.lost);
      };

      const working = async (act) => {
        if (busy || over) return;
        busy = true;
        dialog.setAttribute("aria-busy", "true");
        try {
          await act();
        } catch (error) {
          failed(error);
        } finally {
          busy = false;
          dialog.removeAttribute("aria-busy");
        }
      };

      const look = async () => {
        clearTimeout(timer);
        try {
          settle((await call("GET", path)).state);
        } catch (error) {
          if (error instanceof Failure && error.status === 404) end("refused");
        }
        if (!over) timer = setTimeout(look, POLL);
      };

      passkey.addEventListener("click", () => working(async () => {
        if (!window.PublicKeyCredential) return say(WORDS.noPasskeys);
        say(WORDS.working);
        ceremony = new AbortController();
        const options = await call("POST", `${path}/options`);
        const given = await navigator.credentials.get({
          publicKey: requestOptions(options.publicKey), signal: ceremony.signal,
        });
        settle((await call("POST", `${path}/passkey`, { credential: plain(given) })).state);
      }));
      codeForm.addEventListener("submit", (event) => {
        event.preventDefault();
        working(async () => {
          const given = code.value;
          code.value = "";
          settle((await call("POST", `${path}/totp`, { code: given })).state);
          code.focus();
        });
      });
      cancel.addEventListener("click", leave);
      dialog.addEventListener("cancel", (event) => { event.preventDefault(); leave(); });
      if (human) dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") leave(); });
      how.signal?.addEventListener("abort", leave);
      if (how.signal?.aborted) return leave();

      parent.append(dialog);
      if (human) dialog.show();
      else dialog.showModal();
      (passkey.hidden ? (codeForm.hidden ? cancel : code) : passkey).focus();
      look();
    });
  }

  // --- passkeys of one's own ---------------------------------------------------------------------------

  /** Sends a request that may want a proof first: asks for it, and sends it again with the challenge's id. */
  async function proven(how, method, path, body) {
    const call = caller(how);
    try {
      return await call(method, path, body);
    } catch (error) {
      if (error.code !== "step-up-required" || error.challenge === null) throw error;
      const outcome = await ask(error.challenge, how);
      if (outcome !== "met") throw new Failure(401, { error: { code: outcome, message: WORDS.stopped } });
      return call(method, path, body, { "x-chatward-challenge": error.challenge.id });
    }
  }

  async function register(how = {}) {
    if (!window.PublicKeyCredential) throw new Failure(0, { error: { message: WORDS.noPasskeys } });
    const options = await proven(how, "POST", "v1/passkeys/options", { name: how.name ?? "" });
    const made = await navigator.credentials.create({ publicKey: creationOptions(options.publicKey) });
    return caller(how)("POST", "v1/passkeys", { credential: plain(made) });
  }

  return { ask, register, proven, Failure };
})();
