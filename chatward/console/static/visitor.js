// The visitor of a widget: who asks, where nobody is signed in. The key of the session lies in IndexedDB and cannot be read
// out by anybody, this script included; every request carries a proof of it (RFC 9449).

const PREFIX = "chatward";
const RENEW = 60; // seconds before its end at which a token is renewed

const encoder = new TextEncoder();

function base64url(data) {
  const raw = Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join("");
  return btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const packed = (value) => base64url(encoder.encode(JSON.stringify(value)));

/** Keys in IndexedDB: objects that sign, and that nobody can read. Where there is none, they are lost on reload. */
const Keys = {
  async within(mode, act) {
    const database = await new Promise((resolve, reject) => {
      const asked = indexedDB.open(PREFIX, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("keys");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction("keys", mode);
        const asked = act(transaction.objectStore("keys"));
        transaction.oncomplete = () => resolve(asked?.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  },
  get: (id) => Keys.within("readonly", (store) => store.get(id)).catch(() => undefined),
  put: (id, key) => Keys.within("readwrite", (store) => {
    const asked = store.openCursor(); // those of tabs that were closed go
    asked.onsuccess = () => {
      const cursor = asked.result;
      if (cursor === null) return store.put(key, id);
      if (cursor.value.until < Date.now()) cursor.delete();
      return cursor.continue();
    };
  }).catch(() => {}),
};

/** A visitor: a key, and a session that is bound to it (RFC 9449). `kept` is plain data that outlives a reload. */
class Visitor {
  #root;
  #kept;
  #keep;
  #key = null;
  #working = null;

  constructor(root, kept, keep) {
    this.#root = root;
    this.#kept = { id: crypto.randomUUID(), token: "", expires: 0, offset: 0, model: "", ...kept };
    this.#keep = keep;
  }

  get model() {
    return this.#kept.model;
  }

  /** `fetch` with the token and a proof for this request. A session that has ended is begun anew, once. */
  async fetch(url, init) {
    for (let again = false; ; again = true) {
      await this.#ready(init.signal);
      const headers = { ...init.headers, authorization: `DPoP ${this.#kept.token}`, dpop: await this.#proof(init.method, url) };
      const response = await fetch(url, { ...init, headers, credentials: "omit" });
      if (again || response.status !== 401) return response;
      const error = await ChatwardTalk.failure(response.clone());
      if (!/^(visitor-|session-|dpop-|revoked)/.test(error.code)) return response;
      this.#kept.expires = 0; // it is renewed, or begun anew where it is over
    }
  }

  async #ready(signal) {
    await this.#load();
    if (this.#kept.token && this.#kept.expires - this.#now() > RENEW) return;
    this.#working ??= this.#begin(signal).finally(() => { this.#working = null; });
    await this.#working;
  }

  #now() {
    return Math.floor(Date.now() / 1000) + this.#kept.offset;
  }

  async #load() {
    if (this.#key !== null) return;
    const found = await Keys.get(this.#kept.id);
    if (found?.pair && this.#kept.token) {
      this.#key = found;
      return;
    }
    this.#kept.token = "";
    const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    this.#key = { pair, jwk: { kty, crv, x, y }, until: Date.now() + 86_400_000 };
    await Keys.put(this.#kept.id, this.#key);
  }

  async #begin(signal) {
    const url = `${this.#root}v1/widget/sessions`;
    for (let tries = 0; ; tries += 1) {
      const headers = { "content-type": "application/json", dpop: await this.#proof("POST", url) };
      if (this.#kept.token) headers.authorization = `DPoP ${this.#kept.token}`;
      const response = await fetch(url, { method: "POST", headers, body: "{}", signal, credentials: "omit" });
      if (response.ok) {
        const { token, expires, now, model } = await response.json();
        Object.assign(this.#kept, { token, expires, model, offset: now - Math.floor(Date.now() / 1000) });
        this.#keep(this.#kept);
        return;
      }
      const error = await ChatwardTalk.failure(response);
      if (tries === 2) throw error;
      if (error.code === "dpop-proof-stale" && Number.isInteger(error.details.now)) {
        this.#kept.offset = error.details.now - Math.floor(Date.now() / 1000); // people's clocks are wrong
      } else if (this.#kept.token && error.status === 401) {
        this.#kept.token = ""; // that session is over
      } else {
        throw error;
      }
    }
  }

  async #proof(method, url) {
    const head = { typ: "dpop+jwt", alg: "ES256", jwk: this.#key.jwk };
    const claims = { jti: crypto.randomUUID(), htm: method, htu: url.split(/[?#]/, 1)[0], iat: this.#now() };
    if (this.#kept.token) claims.ath = base64url(await crypto.subtle.digest("SHA-256", encoder.encode(this.#kept.token)));
    const text = `${packed(head)}.${packed(claims)}`;
    const how = { name: "ECDSA", hash: "SHA-256" };
    return `${text}.${base64url(await crypto.subtle.sign(how, this.#key.pair.privateKey, encoder.encode(text)))}`;
  }
}
