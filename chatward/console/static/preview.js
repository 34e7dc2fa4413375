// What a message leads to and what it carries, before anybody opens it: where links really lead, and what files are.
// Everything is read off the address or the file itself; nothing is asked of any other place.
"use strict";

const ChatwardPreview = (() => {
  const MOST = 4; // links of one message that get a line
  const LONGEST = 60; // signs of a file's name that are shown
  const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\\]{1,2000}/gi;
  const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu; // controls, and marks that turn the direction
  const STACKED = /(\p{M}{2})\p{M}+/gu;

  /** A name as it can be shown: nothing in it hides or turns, and it keeps its end. */
  function named(name) {
    const plain = Array.from(name.replace(UNSEEN, "\u{FFFD}").replace(STACKED, "$1"));
    if (plain.length <= LONGEST) return plain.join("");
    return [...plain.slice(0, LONGEST - 21), "…", ...plain.slice(-20)].join("");
  }

  function sized(bytes) {
    return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
  }

  const kindOf = (name) => /\.([\p{L}\p{N}]{1,10})$/u.exec(name)?.[1].toUpperCase() ?? "";

  /** One file as a list item: its name, what its end says it is, its size; of a picture a small one. */
  function file({ name, size, blob }) {
    const { make } = ChatwardTalk, kind = kindOf(name);
    const about = [kind && `${kind} file`, size && sized(size)].filter(Boolean).join(", ");
    const item = make("li", { class: "file" }, make("bdi", {}, named(name)), make("span", { class: "host" }, about));
    if (blob && /^image\/(png|jpeg|gif|webp)$/.test(blob.type)) thumbnail(blob).then((small) => item.prepend(small), () => {});
    return item;
  }

  // Drawn, not loaded: a page's policy need not let pictures in.
  async function thumbnail(blob) {
    const drawn = await createImageBitmap(blob, { resizeHeight: 48, resizeQuality: "medium" });
    const canvas = ChatwardTalk.make("canvas", { width: Math.min(96, drawn.width), height: 48, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(drawn, 0, 0);
    return canvas;
  }

  function files(list) {
    return list.length ? [ChatwardTalk.make("ul", { class: "files", "aria-label": "Files" }, ...list.map(file))] : [];
  }

  // The part of a name that somebody had to register: by rule of thumb, for emphasis only.
  function cut(host) {
    const parts = host.split("."), many = parts.length;
    const two = many > 2 && parts[many - 1].length === 2 && parts[many - 2].length <= 3 ? 3 : 2;
    const at = host.length - parts.slice(-two).join(".").length;
    return [host.slice(0, at), host.slice(at)];
  }

  function warnings(url) {
    const bare = /^[\d.]+$|^\[/.test(url.hostname);
    return [
      url.protocol === "http:" && "not encrypted",
      bare && "a bare address without a name",
      /(^|\.)xn--/.test(url.hostname) && "the name has letters of another alphabet",
      (url.username || url.password) && "what stands before @ is not the address",
      url.port && `port ${url.port}`,
    ].filter(Boolean);
  }

  function line(url) {
    const { make } = ChatwardTalk, [before, own] = cut(url.hostname), said = warnings(url);
    return make("li", {}, make("bdi", {}, before, make("strong", {}, own)), ...(said.length ? [` (${said.join("; ")})`] : []));
  }

  /** Where the links of a text, or of an answer's element, really lead; nothing where there are none. */
  function links(from) {
    const given = typeof from === "string" ? from.match(ADDRESS) ?? []
      : Array.from(from.querySelectorAll("a[href^=http]"), (one) => one.href);
    const found = new Map();
    for (const text of given) {
      if (URL.canParse(text)) found.set(new URL(text).origin + text.includes("@"), new URL(text));
    }
    if (found.size === 0) return [];
    const { make } = ChatwardTalk, rest = found.size - MOST;
    return [make("div", { class: "leads" }, make("span", {}, "Links lead to:"),
      make("ul", {}, ...Array.from(found.values()).slice(0, MOST).map(line), ...(rest > 0 ? [make("li", {}, `and ${rest} more`)] : [])))];
  }

  return { file, files, links, named, sized };
})();
