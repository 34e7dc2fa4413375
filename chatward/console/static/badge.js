// The mark of a genuine bot: an answer's proof, checked here against the manifest of the site that answers.
"use strict";

const ChatwardBadge = (() => {
  let checking = null;

  /** Shows below an answer (`turn.item`) who signed it, or that it cannot be shown to come from there. `root`: the site;
   *  `code()` gives what checks (verify.js), `manifest(path)` fetches; `say(sentence)` reads out. */
  async function show(turn, line, text, { root, code, fetch, say }) {
    checking ??= (async () => {
      const check = await code();
      const found = await fetch(".well-known/chatward.json");
      return { check, manifest: await check.verifyManifest(await found.json(), { origin: new URL(root).origin }) };
    })().catch(() => { checking = null; return null; });
    const ready = await checking;
    if (ready === null || !turn.item.isConnected) return; // this browser cannot, or nothing is to be had
    const { make } = ChatwardTalk;
    let mark;
    try {
      const claims = await ready.check.verifyProof(line, { manifest: ready.manifest, text });
      mark = make("p", { class: "genuine" }, `Signed by ${ready.manifest.name || new URL(root).host}, answer ${claims.sequence}. `,
        make("a", { href: new URL("verify", root).href, target: "_blank", rel: "noopener" }, "Check it yourself"));
      turn.item.dataset.proof = line;
    } catch (error) {
      if (error.reason === "unsupported") return;
      checking = null; // another key, perhaps: the manifest is read again
      mark = make("p", { class: "note stopped" }, `This answer could not be shown to come from here: ${error.message}`);
      say(mark.textContent);
    }
    turn.item.append(mark);
  }

  return { show };
})();
