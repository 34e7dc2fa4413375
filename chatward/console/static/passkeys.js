// Passkeys on the pages of signing in and of one's own account. It talks to the console it came from, and to nobody
// else. Where the browser or the name in the address cannot have passkeys, the page stays as it is without this script.
//
// No markup from strings (Trusted Types), no inline script or style, works by keyboard, tells screen readers.
"use strict";

(() => {
  const root = document.getElementById("passkeys");
  if (!root) return;
  const say = document.getElementById("passkeys-say");
  const domain = root.dataset.domain;
  const here = location.hostname === domain || location.hostname.endsWith(`.${domain}`);
  if (!window.PublicKeyCredential || !navigator.credentials || !here) {
    document.getElementById("passkeys-elsewhere").hidden = here;
    return;
  }

  // --- base64url and options (W3C WebAuthn level 3, 5.1.9 and 5.1.10, for browsers that lack them)

  function bytes(text) {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(raw, (character) => character.charCodeAt(0));
  }

  function text(buffer) {
    const raw = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  const listed = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

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

  async function post(path, body) {
    const token = document.querySelector('input[name="csrf"]').value;
    const response = await fetch(`/api/v1/session/${path}`, {
      method: "POST", credentials: "same-origin", cache: "no-store",
      headers: { "content-type": "application/json", "x-csrf-token": token }, body: JSON.stringify(body),
    });
    const told = await response.json().catch(() => null);
    if (!response.ok) throw new Error(told?.error?.message ?? root.dataset.failed);
    return told;
  }

  async function proven(path) {
    const { publicKey } = await post(path, {});
    const options = {
      ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: listed(publicKey.allowCredentials),
    };
    return plain(await navigator.credentials.get({ publicKey: options }));
  }

  // What proves it anew: the code or password that was typed, else a passkey.
  async function fresh() {
    const typed = document.getElementById("passkeys-proof");
    if (typed?.value) return { [typed.dataset.kind]: typed.value };
    if (root.dataset.has === "yes") return { credential: await proven("passkeys/proof") };
    typed?.focus();
    throw new Error(root.dataset.needed);
  }

  const doings = {
    async enter() {
      const told = await post("passkey", { credential: await proven("passkey/options"), next: root.dataset.next });
      location.assign(told.next);
    },
    async lift() {
      await post("passkeys/lift", { credential: await proven("passkeys/proof") });
      location.reload();
    },
    async add() {
      const { publicKey } = await post("passkeys/options", await fresh());
      const options = {
        ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) },
        excludeCredentials: listed(publicKey.excludeCredentials),
      };
      await post("passkeys", { credential: plain(await navigator.credentials.create({ publicKey: options })) });
      location.reload();
    },
    async remove(button) {
      await post("passkeys/removal", { ...(await fresh()), id: button.value });
      location.reload();
    },
  };

  root.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    say.textContent = "";
    try {
      await doings[button.dataset.do](button);
    } catch (error) {
      // A browser says little on purpose about what a person did with their device: one sentence of ours then.
      say.textContent = error instanceof DOMException ? root.dataset.failed : error.message;
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });

  for (const one of root.querySelectorAll("[hidden][data-shown]")) one.hidden = false;
  root.hidden = false;
})();
