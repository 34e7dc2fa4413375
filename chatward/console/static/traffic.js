// What tells a person's browser from a program, and the work that lets a doubtful one go on.
//
// It looks at this page alone, asks nobody but the gateway, and sends times and counts with each message: how many keys,
// how long they were down, how far apart; never which, and never what. What it says is no proof of anything: the gateway
// weighs it with what it sees itself (docs/traffic.md).
"use strict";

const ChatwardTraffic = (() => {
  const NAMES = /^(\$?cdc_|__playwright|__pw|__puppeteer|__?selenium|__webdriver|__driver|__fxdriver|__nightmare|_phantom|phantom$|callPhantom|callSelenium|domAutomation|Cypress$|__cypress)/i;
  const MOST = 400; // times that are kept of one message
  const FRESH = 21_600_000; // milliseconds after which a page asks for another token

  const middle = (values) => {
    const sorted = Array.from(values).sort((a, b) => a - b);
    return sorted.length === 0 ? 0 : Math.round(sorted[sorted.length >> 1]);
  };

  function variation(times) {
    const steps = times.slice(1).map((time, at) => time - times[at]).filter((step) => step < 2000);
    if (steps.length === 0) return 0;
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    const spread = steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / steps.length;
    return mean > 0 ? Math.min(100_000, Math.round((100 * Math.sqrt(spread)) / mean)) : 0;
  }

  /** Whether somebody reads the console: then V8 asks for the stack of an error that is put there. */
  function debugged() {
    const before = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
    let asked = 0;
    try {
      Error.prepareStackTrace = () => {
        asked = 1;
        return "";
      };
      console.debug(new Error(""));
    } catch {
      // A page may have frozen it.
    } finally {
      if (before) Object.defineProperty(Error, "prepareStackTrace", before);
      else delete Error.prepareStackTrace;
    }
    return asked;
  }

  function automated() {
    const root = document.documentElement;
    const found = [...Object.getOwnPropertyNames(window), ...Object.getOwnPropertyNames(document)].some((name) => NAMES.test(name));
    return Number(found || root.hasAttribute("webdriver") || root.hasAttribute("selenium"));
  }

  function headless() {
    const brands = navigator.userAgentData?.brands ?? [];
    const bare = brands.length > 0 && !navigator.userAgentData.mobile && navigator.plugins.length === 0;
    return Number(bare || /Headless/.test(navigator.userAgent) || brands.some((one) => /Headless/.test(one.brand)) ||
      (navigator.languages ?? []).length === 0);
  }

  const whole = (value, most) => Math.max(0, Math.min(most, Math.round(value) || 0));

  /** Watches one field. `ask(path)` fetches from the gateway as messages are sent; `trap` is the field nobody sees. */
  class Watch {
    #ask;
    #trap;
    #token = "";
    #given = 0;
    #asking = null;
    #number = 0;
    #moved = 0;
    #of;

    constructor(field, { ask, trap = null }) {
      this.#ask = ask;
      this.#trap = trap;
      this.done();
      let focused = 0, pressed = 0;
      const down = new Map();
      const on = (type, act) => field.addEventListener(type, (event) => {
        if (event.isTrusted) act(event);
        else this.#of.untrusted += 1;
      }, { capture: true, passive: true });
      on("focus", () => {
        focused = performance.now();
        this.token().catch(() => {}); // it is asked for again with the message
      });
      on("keydown", (event) => {
        pressed = event.timeStamp;
        if (event.repeat || event.isComposing || event.keyCode === 229 || event.key?.length !== 1) return;
        const seen = this.#of;
        if (seen.downs.length >= MOST) return;
        if (down.size > 0) seen.overlaps += 1;
        if (seen.up) seen.gaps.push(down.size > 0 ? -1 : event.timeStamp - seen.up);
        seen.downs.push(event.timeStamp);
        seen.keys += 1;
        down.set(event.code, event.timeStamp);
      });
      on("keyup", (event) => {
        const began = down.get(event.code);
        if (began === undefined) return;
        down.delete(event.code);
        this.#of.up = event.timeStamp;
        if (this.#of.dwells.length < MOST) this.#of.dwells.push(event.timeStamp - began);
      });
      on("blur", () => down.clear());
      on("input", (event) => {
        const seen = this.#of, type = event.inputType ?? "";
        seen.inputs += 1;
        seen.first ||= performance.now();
        seen.focused ||= focused;
        const size = (event.data ?? "").length;
        if (/Paste|Drop|Yank/.test(type)) seen.pasted += size || field.value.length;
        else if (type === "insertText" && event.timeStamp - pressed > 50) seen.inserted += size;
      });
      addEventListener("pointermove", (event) => { if (event.isTrusted) this.#moved += 1; }, { passive: true });
    }

    /** The page's token: asked for once. */
    async token() {
      if (this.#token && performance.now() - this.#given < FRESH) return this.#token;
      this.#asking ??= this.#ask("v1/traffic/page").then(async (response) => {
        if (!response.ok) return;
        this.#token = (await response.json()).page ?? "";
        this.#given = performance.now();
      }).finally(() => { this.#asking = null; });
      await this.#asking;
      return this.#token;
    }

    /** The header for a message of this text; nothing where no token is to be had. */
    async header(text) {
      const token = await this.token().catch(() => "");
      if (!token) return {};
      const seen = this.#of, now = performance.now();
      const report = {
        t: token, n: this.#number, u: navigator.userAgent.slice(0, 512), w: Number(navigator.webdriver === true),
        g: automated(), h: headless(), c: debugged(),
        o: [outerWidth, outerHeight, innerWidth, innerHeight].map((size) => whole(size, 100_000)),
        q: Number(navigator.maxTouchPoints > 0),
        k: [seen.keys, whole(middle(seen.dwells), 1e7), middle(seen.gaps), variation(seen.downs), seen.overlaps],
        p: whole(seen.pasted, 1e7), i: seen.inputs, s: whole(seen.inserted, 1e7), x: seen.untrusted,
        m: whole(this.#moved, 1e7), f: whole(seen.first ? seen.first - seen.focused : 0, 1e7), e: text.length,
        y: whole(seen.first ? now - seen.first : 0, 1e7), z: Number(Boolean(this.#trap?.value)),
      };
      this.#number += 1;
      // Headers are ASCII; so is JSON where all else is escaped.
      const told = JSON.stringify(report).replace(/[^\x20-\x7e]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
      return { "x-chatward-page": told };
    }

    /** The message was answered: the next one is watched anew. */
    done() {
      this.#of = {
        keys: 0, downs: [], dwells: [], gaps: [], overlaps: 0, up: 0, inputs: 0, pasted: 0, inserted: 0, untrusted: 0,
        first: 0, focused: 0,
      };
    }
  }

  // --- the work: a number whose digest is known (ALTCHA) -------------------------------------------------

  /** Finds it among numbers from `from` to below `until`, or gives -1. Stands alone: it runs in a worker, too. */
  function search(salt, challenge, from, until) {
    const K = [], first = [];
    for (let n = 2; K.length < 64; n += 1) {
      if (K.some((unused, at) => n % first[at] === 0)) continue;
      first.push(n);
      K.push(((n ** (1 / 3)) % 1 * 2 ** 32) | 0);
    }
    const start = first.slice(0, 8).map((n) => ((n ** 0.5) % 1 * 2 ** 32) | 0);
    const w = new Int32Array(64), k = Int32Array.from(K);
    function block(h, bytes, at) {
      for (let i = 0; i < 16; i += 1, at += 4) {
        w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
      }
      for (let i = 16; i < 64; i += 1) {
        const x = w[i - 15], y = w[i - 2];
        const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
        const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let [a, b, c, d, e, f, g, l] = h;
      for (let i = 0; i < 64; i += 1) {
        const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
        const t1 = (l + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
        const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        l = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      return [h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e, h[5] + f, h[6] + g, h[7] + l].map((n) => n | 0);
    }
    const wanted = challenge.match(/.{8}/g).map((part) => parseInt(part, 16) | 0);
    const head = salt.length - (salt.length % 64), bytes = new Uint8Array(256);
    let before = start;
    for (let at = 0; at < head; at += 64) before = block(before, Array.from(salt.slice(at, at + 64), (sign) => sign.charCodeAt(0)), 0);
    for (let number = from; number < until; number += 1) {
      const rest = salt.slice(head) + number, size = rest.length < 56 ? 64 : 128;
      bytes.fill(0, 0, size);
      for (let i = 0; i < rest.length; i += 1) bytes[i] = rest.charCodeAt(i);
      bytes[rest.length] = 0x80;
      const bits = (head + rest.length) * 8;
      bytes[size - 2] = bits >>> 8;
      bytes[size - 1] = bits & 255;
      let h = block(before, bytes, 0);
      if (size === 128) h = block(h, bytes, 64);
      if (h[0] === wanted[0] && h.every((part, at) => part === wanted[at])) return number;
    }
    return -1;
  }

  let policy = null;

  /** A worker, where the page may have one: from its own file, or from this very text. */
  function worker(address) {
    policy ??= globalThis.trustedTypes?.createPolicy("chatward-work", { createScriptURL: (url) => url }) ?? { createScriptURL: (url) => url };
    if (address) return new Worker(policy.createScriptURL(address));
    const text = `onmessage = ({ data }) => postMessage((${search})(data.salt, data.challenge, 0, data.maxnumber + 1));`;
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    try {
      return new Worker(policy.createScriptURL(url));
    } finally {
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    }
  }

  function inWorker(challenge, address, signal) {
    return new Promise((resolve, reject) => {
      const running = worker(address);
      const end = (act, value) => {
        running.terminate();
        act(value);
      };
      signal?.addEventListener("abort", () => end(reject, signal.reason), { once: true });
      running.onmessage = ({ data }) => end(resolve, data);
      running.onerror = () => end(reject, new Error("no worker"));
      running.postMessage(challenge);
    });
  }

  async function inSlices(challenge, signal) {
    for (let from = 0; from <= challenge.maxnumber; from += 2000) {
      signal?.throwIfAborted();
      const found = search(challenge.salt, challenge.challenge, from, Math.min(from + 2000, challenge.maxnumber + 1));
      if (found >= 0) return found;
      await new Promise((resolve) => { setTimeout(resolve); }); // people may type meanwhile
    }
    return -1;
  }

  /** The payload that solves a challenge. `address`: that of the worker's script, empty for none of its own. */
  async function solve(challenge, { address = "", signal } = {}) {
    const began = performance.now();
    const number = await inWorker(challenge, address, signal).catch((error) => {
      signal?.throwIfAborted();
      return inSlices(challenge, signal);
    });
    const { algorithm, challenge: digest, salt, signature } = challenge;
    const took = Math.round(performance.now() - began);
    return btoa(JSON.stringify({ algorithm, challenge: digest, number, salt, signature, took }));
  }

  /** Works for a pass. `post(path, body)` sends to the gateway; gives whether there is a pass now. */
  async function pass(work, { post, page = "", address = "", signal }) {
    const payload = await solve(work.challenge, { address, signal });
    const response = await post("v1/traffic/pass", JSON.stringify({ payload, ...(page && { page }) }));
    return response.ok;
  }

  /** What a person reads meanwhile: a sentence, and the way to wait instead, at `root` of the gateway. */
  function moment(work, root) {
    const said = document.createElement("p"), link = document.createElement("a");
    said.className = "note";
    said.setAttribute("role", "status");
    link.href = new URL(String(work.wait).replace(/^\//, ""), root).href;
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = "Wait instead";
    said.append("One moment: your browser shows that it is not a program. ", link);
    return said;
  }

  return { Watch, moment, pass, search, solve };
})();
