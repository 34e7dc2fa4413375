// Files with a message: picked, dropped or pasted. Each is listed with a way to leave it out; what cannot be taken is said
// with the reason. They are sent as parts of a message (OpenAI chat completions: `image_url` for pictures, `file` for all
// else), and whether they may go on is for the gateway to say.
"use strict";

const ChatwardAttach = (() => {
  const MOST = 8; // files of one message
  const PICTURES = /^image\/(png|jpeg|gif|webp)$/;

  const data = (blob) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob.type ? blob : new Blob([blob], { type: "application/octet-stream" }));
  });

  /** What a turn says, with its files: `files` are {name, size, url}; of those without `url` only the name is left. */
  function content(text, files = []) {
    if (files.length === 0) return text;
    const gone = files.filter((one) => !one.url).map((one) => `[A file that is no longer here: ${one.name}]`);
    const said = [text, ...gone].filter(Boolean).join("\n");
    return [
      ...(said ? [{ type: "text", text: said }] : []),
      ...files.filter((one) => one.url).map(({ name, url, blob }) => (PICTURES.test(blob.type)
        ? { type: "image_url", image_url: { url } } : { type: "file", file: { filename: name, file_data: url } })),
    ];
  }

  /** Reads files, so that `content` has them. Raises where one cannot be read. */
  async function read(files = []) {
    for (const one of files) if (one.blob) one.url ??= await data(one.blob);
  }

  /** What is kept of files for a reload: that there were some. */
  const names = (files = []) => files.map(({ name, size }) => ({ name, size }));

  /** A button and the list of what was chosen, to stand in `form`. `most`: bytes of all files together; `used()`: how many
   *  the conversation has so far; `say(sentence)` reads out. */
  class Basket {
    #files = [];
    #most;
    #used;
    #say;
    #list = ChatwardTalk.make("ul", { class: "files", "aria-label": "Files to send" });
    #said = ChatwardTalk.make("p", { class: "note stopped", role: "status" });

    constructor({ form, field, most, used, say }) {
      this.#most = most;
      this.#used = used;
      this.#say = say;
      const { make } = ChatwardTalk;
      const input = make("input", { type: "file", id: "files", multiple: "", tabindex: "-1", "aria-hidden": "true" });
      const pick = make("button", { type: "button", class: "quiet", id: "attach" }, "Attach files");
      input.hidden = this.#said.hidden = this.#list.hidden = true;
      this.elements = [this.#list, this.#said, input];
      this.button = pick;
      pick.addEventListener("click", () => input.click());
      input.addEventListener("change", () => {
        this.add(input.files);
        input.value = "";
        pick.focus();
      });
      field.addEventListener("paste", (event) => {
        if (event.clipboardData.files.length === 0) return;
        event.preventDefault();
        this.add(event.clipboardData.files);
      });
      const over = (event, on) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        form.classList.toggle("over", on);
      };
      form.addEventListener("dragover", (event) => over(event, true));
      form.addEventListener("dragleave", (event) => over(event, false));
      form.addEventListener("drop", (event) => {
        over(event, false);
        this.add(event.dataTransfer?.files ?? []);
      });
    }

    get empty() {
      return this.#files.length === 0;
    }

    /** Takes files, or says why not. */
    add(given) {
      const refused = [];
      for (const blob of given) {
        const total = this.#files.reduce((sum, one) => sum + one.size, this.#used());
        const name = blob.name || "file";
        if (blob.size === 0) refused.push(`${ChatwardPreview.named(name)} is empty, or a folder.`);
        else if (this.#files.length === MOST) refused.push(`No more than ${MOST} files go with one message.`);
        else if (total + blob.size > this.#most) {
          refused.push(`${ChatwardPreview.named(name)} is too large: all files together may have ${ChatwardPreview.sized(this.#most)}.`);
        } else this.#files.push({ name, size: blob.size, blob });
      }
      this.#show(Array.from(new Set(refused)).join(" "));
    }

    /** What was chosen, and no longer here. */
    take() {
      const files = this.#files;
      this.put([]);
      return files;
    }

    /** Files that were not sent, again. */
    put(files) {
      this.#files = files;
      this.#show("");
    }

    #show(refused) {
      const { make } = ChatwardTalk;
      this.#list.replaceChildren(...this.#files.map((one) => {
        const item = ChatwardPreview.file(one), name = ChatwardPreview.named(one.name);
        const out = make("button", { type: "button", class: "quiet", "aria-label": `Leave out ${name}` }, "×");
        out.addEventListener("click", () => {
          this.put(this.#files.filter((other) => other !== one));
          this.button.focus();
          this.#say(`${name} was left out.`);
        });
        item.append(out);
        return item;
      }));
      this.#list.hidden = this.#files.length === 0;
      this.#said.hidden = !refused;
      this.#said.textContent = refused;
      if (!refused && this.#files.length) this.#say(`Files to send: ${this.#files.map((one) => ChatwardPreview.named(one.name)).join(", ")}.`);
    }
  }

  return { Basket, content, names, read };
})();
